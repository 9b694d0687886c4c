"""Turn what a check has seen into its verdict."""


class ContractBroken(AssertionError):
    """A component does not do what the contract says."""


def must(name: str, holds: bool, seen: str) -> None:
    """Raise ContractBroken, with the name of the check and what was seen, unless it holds."""
    if not holds:
        msg = f"{name}: {seen}. See docs/contract.md."
        raise ContractBroken(msg)
