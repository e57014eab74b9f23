"""The names of a program: which cannot be, and which would be taken for each other."""

from __future__ import annotations

LONGEST = 40
"""Longer names would not fit into any drawing."""

_LATIN = str.maketrans("асеорхуіјѕһԁАВЕЅІЈКМНОРСТХУοΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aceopxyijshdABESIJKMHOPCTXYoABEZHIKMNOPTYX")
"""Cyrillic and Greek letters that cannot be told from Latin ones."""


class Names:
    """Notes all names of a program, so that two that look alike are found."""

    def __init__(self) -> None:
        self._looks: dict[str, str] = {}

    def refusal(self, name: str) -> str:
        """Return why a name cannot stand beside those before it, "" if it can."""
        if name.startswith("__"):
            return "a name cannot begin with two underscores"
        if len(name) > LONGEST:
            return f"a name has at most {LONGEST} characters, and this one {len(name):,}"
        other = self._looks.setdefault(name.translate(_LATIN), name)
        if other == name:
            return ""
        here, there = next((one, two) for one, two in zip(name, other, strict=True) if one != two)
        return f"this {name} only looks like the {other} before: U+{ord(here):04X} here, U+{ord(there):04X} there"
