"""Find sessions in which errors follow the agent's own edits of the same files."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....session.groups import Groups, mask_of
from ..config import Config
from ..finding import Found, Rule, counted, evidence_of, findings, graded
from ..given import Given, of_sessions

_RULE = Rule(
    "errors_after_edits",
    "errors",
    "{said} about files that the agent had edited before, most often {file}. Have it run the "
    "tests after each edit, or ask for smaller steps.",
)


def errors_after_edits(given: Given, config: Config) -> pa.RecordBatch:
    """Count the errors of each session that an edit of the agent goes before."""
    rows = given.correlations
    agent = mask_of(pc.equal(rows.column("cause"), "agent"))
    files = of_sessions(rows, given.ids, agent)
    errors = Groups.by(
        pa.array(files.of_row), rows.column("error_event_id"), where=files.of_row >= 0
    )
    first = errors.first_row(rows.column("session_id")).to_numpy()
    count = np.bincount(files.of_row[first], minlength=files.count)
    bad = np.flatnonzero(count >= config.edit_errors)
    chosen = pa.array(bad)
    ids = pa.concat_arrays([rows.column(name) for name in ("error_event_id", "cause_event_id")])
    both = Groups(np.concatenate([files.of_row, files.of_row]), files.count)
    return findings(
        _RULE,
        Found(
            given.ids.take(chosen),
            graded(pa.array(count[bad] >= 3 * config.edit_errors)),
            {
                "errors": pa.array(count[bad]),
                "files": _different_files(rows, files).take(chosen),
                "file": _most_often(rows, files).take(chosen),
            },
            files.min(rows.column("error_at")).take(chosen),
            evidence_of(both, ids).take(chosen),
            words={"said": counted(pa.array(count[bad]), "error is", "errors are")},
        ),
    )


def _by_file(rows: pa.RecordBatch, files: Groups) -> tuple[Groups, "np.ndarray"]:
    pairs = Groups.by(pa.array(files.of_row), rows.column("file_path"), where=files.of_row >= 0)
    return pairs, pairs.first_row(rows.column("file_path")).to_numpy()


def _different_files(rows: pa.RecordBatch, files: Groups) -> pa.Int64Array:
    _, first = _by_file(rows, files)
    return pa.array(np.bincount(files.of_row[first], minlength=files.count))


def _most_often(rows: pa.RecordBatch, files: Groups) -> pa.StringArray:
    """Name the file of most rows of each session; of several, the first one told of."""
    pairs, first = _by_file(rows, files)
    order = np.lexsort((-first, pairs.counts().to_numpy()))
    best = np.full(files.count, -1, dtype=np.int64)
    best[files.of_row[first[order]]] = first[order]
    return rows.column("file_path").take(pa.array(best, mask=best < 0))
