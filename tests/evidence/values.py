"""Values that differ from error to error, in many styles: paths, ids, numbers, times, names."""

import random
import string
from collections.abc import Callable, Mapping

_WORDS = (
    *("billing", "orders", "auth", "search", "report", "invoice", "catalog", "profile", "queue"),
    *("session", "gateway", "ledger", "mailer", "widget", "parser", "router", "cache", "worker"),
    *("checkout", "metrics", "notifier", "scheduler", "importer", "uploader", "payments", "users"),
)
_FOREIGN = (
    *("müller", "größe", "Übersicht", "résumé", "año", "Ünïcode", "école", "naïve", "smørrebrød"),
    *("файл", "отчёт", "設定", "履歴", "报告", "설정", "ρυθμίσεις"),
)
_FOLDERS = ("src", "lib", "app", "pkg", "internal", "core", "tests", "cmd", "server", "web", "api")
_ENDINGS = ("py", "ts", "go", "rs", "js", "tsx", "java", "json", "yaml", "toml", "md", "sql", "sh")
_HOSTS = ("example.com", "internal.example.org", "svc.cluster.local", "corp.example.net")
_ROOTS = ("/srv", "/opt", "/var/lib", "/Users/ada", "/usr/local/share", "/mnt/data", "/builds/app")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEX = "0123456789abcdef"
_BASE62 = string.ascii_letters + string.digits

Make = Callable[[random.Random], str]


def word(r: random.Random) -> str:
    return r.choice(_WORDS)


def snake(r: random.Random) -> str:
    return f"{word(r)}_{word(r)}"


def camel(r: random.Random) -> str:
    return f"{word(r)}{word(r).title()}"


def pascal(r: random.Random) -> str:
    return f"{word(r).title()}{word(r).title()}"


def kebab(r: random.Random) -> str:
    return f"{word(r)}-{word(r)}"


def name(r: random.Random) -> str:
    return r.choice((word, snake, camel, pascal, kebab))(r)


def quotable(r: random.Random) -> str:
    spoken = (f"{word(r)} {word(r)} {r.randrange(40)}", f"{word(r)}'s {word(r)}", f"{word(r)}: x")
    return r.choice((name(r), name(r), foreign(r), *spoken))


def foreign(r: random.Random) -> str:
    """Make a name with letters outside ASCII."""
    one, other = r.choice(_FOREIGN), r.choice(_FOREIGN)
    return r.choice((one, one, f"{one}_{other}", f"{word(r)}_{other}", f"{one}-{word(r)}"))


def file(r: random.Random) -> str:
    return f"{r.choice((word, snake, kebab, foreign))(r)}.{r.choice(_ENDINGS)}"


def relative(r: random.Random) -> str:
    depth = r.randrange(1, 4)
    return "/".join([r.choice(_FOLDERS), *(name(r) for _ in range(depth - 1)), file(r)])


def absolute(r: random.Random) -> str:
    return f"{r.choice(_ROOTS)}/{r.choice((relative, snake, kebab, foreign))(r)}"


def windows(r: random.Random) -> str:
    root = r.choice(("C:\\Users\\ada", "D:\\work", "C:\\Program Files\\Acme", "\\\\share\\team"))
    return root + "\\" + relative(r).replace("/", "\\")


def path(r: random.Random) -> str:
    dotted = (f"./{relative(r)}", f"../{relative(r)}", f"~/{relative(r)}")
    return r.choice((absolute(r), relative(r), windows(r), r.choice(dotted), file(r)))


def spaced(r: random.Random) -> str:
    return f"{r.choice(_ROOTS)}/My {word(r)}/{file(r)}"


def place(r: random.Random) -> str:
    line, column = r.randrange(1, 900), r.randrange(1, 120)
    where = relative(r)
    return r.choice((f"{where}:{line}:{column}", f"{where}:{line}", f"{absolute(r)}:{line}"))


def number(r: random.Random) -> str:
    return str(
        r.choice((r.randrange(10), r.randrange(1000), r.randrange(10**6), r.randrange(10**9)))
    )


def signed(r: random.Random) -> str:
    styles = (f"-{number(r)}", f"{r.random() * 100:.3f}", f"{r.random():.2e}", f"{number(r)}")
    return r.choice((*styles, f"{r.randrange(10**7):,}", f"-{r.random():.2f}"))


def size(r: random.Random) -> str:
    amount = r.choice((str(r.randrange(1, 4000)), f"{r.random() * 90 + 1:.1f}"))
    return amount + r.choice((" MB", "MB", " KiB", "GB", " bytes", " GiB", "kB", "M"))


def percent(r: random.Random) -> str:
    return r.choice((f"{r.randrange(100)}%", f"{r.random() * 100:.1f}%", f"{r.randrange(100)} %"))


def uuid(r: random.Random) -> str:
    digits = f"{r.getrandbits(128):032x}"
    dashed = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return r.choice((dashed, dashed, dashed.upper()))


def hexed(r: random.Random) -> str:
    return "".join(r.choice(_HEX) for _ in range(r.choice((7, 8, 12, 16, 32, 40, 64))))


def prefixed(r: random.Random) -> str:
    tail = "".join(r.choice(_BASE62) for _ in range(r.choice((10, 16, 24))))
    return r.choice(("req_01", "toolu_01", "msg_", "call_", "chatcmpl-", "resp_", "run_")) + tail


def numbered(r: random.Random) -> str:
    short = "".join(r.choice(_HEX) for _ in range(8))
    n = r.randrange(1, 10**5)
    return r.choice((f"user-{n}", f"TICKET-{n}", f"job#{n}", f"i-0{short}9", f"{word(r)}-{n}"))


def ident(r: random.Random) -> str:
    return r.choice((uuid, hexed, prefixed, numbered, number))(r)


def ipv4(r: random.Random) -> str:
    return ".".join(str(r.randrange(1, 255)) for _ in range(4))


def ipv6(r: random.Random) -> str:
    long = ":".join(f"{r.randrange(65536):x}" for _ in range(8))
    return r.choice((f"fe80::{r.randrange(65536):x}:{r.randrange(1, 65536):x}", "::1", long))


def host(r: random.Random) -> str:
    return f"{r.choice((word, kebab))(r)}.{r.choice(_HOSTS)}"


def address(r: random.Random) -> str:
    port = r.randrange(80, 65535)
    return r.choice(
        (f"{ipv4(r)}:{port}", f"localhost:{port}", f"{host(r)}:{port}", f"[::1]:{port}")
    )


def url(r: random.Random) -> str:
    base = f"{r.choice(('https', 'http'))}://{host(r)}"
    tails = (f"/{word(r)}/{ident(r)}", f":8080/{word(r)}?page={number(r)}&q={word(r)}%20x", "", "/")
    return base + r.choice(tails)


def email(r: random.Random) -> str:
    return f"{r.choice((word, snake))(r)}{r.choice(('', '+ci', '.x'))}@{host(r)}"


def moment(r: random.Random) -> str:
    year, month, day = r.randrange(2019, 2027), r.randrange(1, 13), r.randrange(1, 29)
    clock = f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}"
    date = f"{year}-{month:02}-{day:02}"
    return r.choice(
        (
            *(
                f"{date}T{clock}Z",
                f"{date}T{clock}.{r.randrange(10**6):06}+02:00",
                f"{date} {clock}",
            ),
            *(
                f"{date} {clock},{r.randrange(1000):03}",
                f"{r.choice(_MONTHS)} {day} {clock} {year}",
            ),
            *(
                f"{day:02}/{r.choice(_MONTHS)}/{year}:{clock} +0000",
                f"{year}/{month:02}/{day:02} {clock}",
            ),
            *(f"{date}", f"{day} {r.choice(_MONTHS)} {year} {clock} GMT"),
        )
    )


def duration(r: random.Random) -> str:
    n = r.randrange(2, 900)
    return r.choice(
        (
            f"{n}ms",
            f"{n / 10:.1f}s",
            f"{n} seconds",
            f"{n}s",
            f"{n // 60}m{n % 60}s",
            f"{n} ms",
            f"{n} minutes",
        )
    )


def version(r: random.Random) -> str:
    three = ".".join(str(r.randrange(30)) for _ in range(3))
    return r.choice(
        (three, f"v{three}", f"{three}-rc.{r.randrange(5)}", f"{r.randrange(20)}.{r.randrange(9)}")
    )


def memory(r: random.Random) -> str:
    return f"0x{r.getrandbits(r.choice((32, 47))):x}"


def names(r: random.Random) -> str:
    return ", ".join(f"'{name(r)}'" for _ in range(r.randrange(1, 6)))


def numbers(r: random.Random) -> str:
    return ", ".join(number(r) for _ in range(r.randrange(1, 7)))


def paths(r: random.Random) -> str:
    return r.choice((", ", " ")).join(relative(r) for _ in range(r.randrange(1, 5)))


def package(r: random.Random) -> str:
    return r.choice((kebab(r), word(r), f"@{word(r)}/{kebab(r)}"))


SLOTS: Mapping[str, Make] = {
    "word": word,
    "snake": snake,
    "camel": camel,
    "pascal": pascal,
    "kebab": kebab,
    "name": name,
    "q": quotable,
    "file": file,
    "rel": relative,
    "abs": absolute,
    "win": windows,
    "path": path,
    "foreign": foreign,
    "spaced": spaced,
    "loc": place,
    "n": number,
    "signed": signed,
    "size": size,
    "pct": percent,
    "uuid": uuid,
    "hex": hexed,
    "req": prefixed,
    "ref": numbered,
    "id": ident,
    "ip": ipv4,
    "ip6": ipv6,
    "host": host,
    "addr": address,
    "url": url,
    "email": email,
    "ts": moment,
    "dur": duration,
    "ver": version,
    "mem": memory,
    "names": names,
    "pkg": package,
    "nums": numbers,
    "paths": paths,
}
"""What each slot of a template may hold."""
