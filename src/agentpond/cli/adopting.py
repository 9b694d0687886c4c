"""Note that advice was adopted: through the service that has the store, else in its file."""

import json
import os
from pathlib import Path

from ..config.build import workshop
from ..config.check import Plan
from ..pipeline.core.advice import Adoption, Adviser
from ..pipeline.core.errors import Permanent
from .asking import Running, answer_to, answers, holder_of, nobody_to_ask
from .shown import console, moment, say
from .store import choose_store, planned


def adopt_advice(
    config: Path | None, db: Path | None, advice_id: str, at_us: int | None, *, undo: bool
) -> None:
    """Have advice adopted, or that taken back, and say what became of it.

    Raises:
        ConfigError: the configuration cannot be used.
        Permanent: it was refused, in words.
        Retryable: not now.

    """
    chosen = planned(config)
    exporter, path = choose_store(chosen, db)
    path = path.expanduser()
    running = holder_of(path)
    if running is not None and answers(running):
        done = _through(running, advice_id, at_us, undo=undo)
    else:
        done = _in_file(chosen, exporter, path, advice_id, at_us, undo=undo)
    say(console(), sentence(done, asked=at_us))


def sentence(done: Adoption, asked: int | None) -> str:
    """Say what became of advice."""
    was = "" if done.was_us is None else moment(done.was_us)
    if done.adopted_at_us is None:
        return f"{done.advice_id} counts as adopted no more. It did since {was}."
    now = moment(done.adopted_at_us)
    if not was:
        return f"{done.advice_id} counts as adopted since {now}."
    if asked is None:
        hint = "--on DATE changes that, --undo takes it back."
        return f"{done.advice_id} counts as adopted since {now} already. {hint}"
    return f"{done.advice_id} counts as adopted since {now}; before, it did since {was}."


def _through(running: Running, advice_id: str, at_us: int | None, *, undo: bool) -> Adoption:
    asked = {"advice_id": advice_id, "at_us": at_us, "undo": undo}
    with answer_to(running, "/adopt", asked) as response:
        return Adoption(**json.loads(response.read()))


def _in_file(
    chosen: Plan, exporter: str, path: Path, advice_id: str, at_us: int | None, *, undo: bool
) -> Adoption:
    if not path.is_file():
        msg = f"there is no file {path}. Name the store with --config or --db."
        raise Permanent(msg, reason="no_store")
    store = workshop(chosen, exporter, path).store
    if not isinstance(store, Adviser):
        msg = f"the exporter `{exporter}` does not keep which advice was adopted; `duckdb` does."
        raise Permanent(msg, reason="no_adviser")
    # What DuckDB writes beside its file holds prompts.
    os.umask(0o077)
    try:
        store.start()
    except Permanent as error:
        raise (nobody_to_ask(error) if error.reason == "database_locked" else error) from error
    try:
        return store.forget(advice_id) if undo else store.adopt(advice_id, at_us)
    finally:
        store.stop()
