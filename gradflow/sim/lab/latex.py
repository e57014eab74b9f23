"""Words, names and numbers of the lab as LaTeX: nothing but ASCII, which pdfLaTeX sets with amsmath alone."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator

from gradflow.sim.lab.numerals import in_column

_SMALL: tuple[str, ...] = ("alpha", "beta", "gamma", "delta", "zeta", "eta", "theta", "iota", "kappa", "mu")
_SMALL += ("nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "chi", "psi", "omega")
_CAPITAL = ("Gamma", "Delta", "Theta", "Xi", "Pi", "Upsilon", "Phi", "Psi", "Omega")
_SIGNS = {unicodedata.lookup(f"GREEK SMALL LETTER {name}"): name for name in _SMALL}
_SIGNS |= {unicodedata.lookup(f"GREEK CAPITAL LETTER {name}"): name for name in _CAPITAL}
_SIGNS |= {"λ": "lambda", "Λ": "Lambda", "ε": "varepsilon", "φ": "varphi", "Σ": "sum", "∂": "partial", "∇": "nabla"}
_SIGNS |= {"·": "cdot", "⋅": "cdot", "×": "times", "÷": "div", "±": "pm", "⊙": "odot", "∘": "circ", "∗": "ast"}
_SIGNS |= {"→": "to", "←": "leftarrow", "↦": "mapsto", "≈": "approx", "≠": "neq", "≤": "leq", "≥": "geq", "∈": "in"}
_SIGNS |= {"∞": "infty", "ℓ": "ell", "‖": "|", "∠": "angle", "√": "surd", "°": "circ", "…": "dots"}
_SIGNS |= {"\\": "backslash", "~": "sim", "{": "{", "}": "}", "%": "%", "#": "#", "$": "$", "&": "&", "_": "_"}
"""Signs of formulas, with the names of their commands."""

_WHOLE = {
    "−": "-",
    "½": r"\tfrac{1}{2}",
    "⅙": r"\tfrac{1}{6}",
    "ℝ": r"\mathbf{R}",
    "∛": r"\sqrt[3]{}",
    "^": r"\text{\^{}}",
}
_SUB = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₖₗᵣₛ", "0123456789+-ijklrs", strict=True))
_SUP = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵏᶻ", "0123456789+-kz", strict=True)) | {"ᵀ": r"\mathsf{T}"}
_SUP |= {"'": r"\prime", "′": r"\prime", "″": r"\prime\prime", "‴": r"\prime\prime\prime"}
_OVER = {"\u0302": "hat", "\u0307": "dot", "\u0308": "ddot", "\u0304": "bar", "\u0303": "tilde", "\u0301": "acute"}
_FUNCTIONS = {"tanh", "max", "min", "exp", "sin", "cos", "ln", "log"}

_IN_WORDS = {"“": "``", "”": "''", "‘": "`", "’": "'", "–": "--", "—": "---", "…": r"\dots{}", "ß": r"\ss{}"}
_IN_WORDS |= {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", "\u202f": r"\,", "\u00a0": "~", "\u2060": ""}
_IN_WORDS |= {sign: f"\\{sign}" for sign in "{}%#$&_"} | {sign: f"${sign}$" for sign in "<>|"} | {"°": r"$^{\circ}$"}
_ACCENTS = {"\u0302": "^", "\u0307": ".", "\u0308": '"', "\u0304": "=", "\u0303": "~", "\u0301": "'", "\u0300": "`"}

_MARK = "[\u0300-\u036f]"
_INSIDE = r"(?:[^()]|\([^()]*\))*"
_PIECE = re.compile(rf"(?:[^\s\[\]()]|\[[^\[\]]*\]|\({_INSIDE}\))+|\s+|.", re.DOTALL)
"""A word, a name with its index, a formula without spaces; or what is between them."""
_FORMULA = re.compile(f"[{''.join({*_SIGNS, *_SUB, *_SUP, *'∛−½⅙ℝ'} - {*_IN_WORDS, chr(39)})}]")
_NAME = re.compile(rf"[A-Za-z]{_MARK}*(\[.*\])?[.,;:]?")
_OPERATION = re.compile(r"(?!.*[A-Za-z]{2}).*[=+*/<>|^].*", re.DOTALL)
_NUMBER = re.compile(r"[\d.]+[,;:]?")
_COMMAND = re.compile(r"(\\[A-Za-z]+) (?![A-Za-z])")
_ATOM = re.compile(
    rf"(?P<root>[√∛])(?P<under>\({_INSIDE}\)|[\w.]+)|(?P<word>[A-Za-z]{{2,}})|(?P<base>.)(?P<marks>{_MARK}*)",
    re.DOTALL,
)
_SCRIPTS = re.compile(rf"(?:[{''.join(_SUB)}{''.join(_SUP)}]|_[A-Za-z0-9]+|\^(?:\({_INSIDE}\)|−?[\w.]+))*")
_SCRIPT = re.compile(rf"_(?P<low>[A-Za-z0-9]+)|\^(?P<high>\({_INSIDE}\)|−?[\w.]+)|(?P<one>.)")


def in_latex(text: str) -> str:
    """Return words with the names and formulas among them: "δ₃ of sample 2" becomes `$\\delta_{3}$ of sample 2`."""
    # A letter and the sign above it are two characters; an equals sign that is crossed out is one.
    text = unicodedata.normalize("NFD", text).replace("=\u0338", "≠")
    pieces = _PIECE.findall(text)
    formulas = [_is_formula(piece, text) for piece in pieces]
    # A number is part of the formula beside it, and so are the spaces between formulas.
    beside = [any(formulas[max(i - 2, 0) : i + 3]) for i in range(len(pieces))]
    formulas = [
        is_one or (near and bool(_NUMBER.fullmatch(piece)))
        for piece, is_one, near in zip(pieces, formulas, beside, strict=True)
    ]
    found, formula = "", ""
    for i, piece in enumerate(pieces):
        if formulas[i] or (formula and piece.isspace() and any(formulas[i + 1 : i + 2])):
            formula += piece
        else:
            found, formula = found + _set(formula) + _words(piece), ""
    return found + _set(formula)


def _is_formula(piece: str, text: str) -> bool:
    if piece in ("a", "A", "I"):
        return text == piece
    return bool(_FORMULA.search(piece) or _NAME.fullmatch(piece) or _OPERATION.fullmatch(piece))


def _set(formula: str) -> str:
    """Return a formula as such; a command needs no space behind it where no letter follows."""
    set_in = _COMMAND.sub(r"\1", _formula(formula))
    return f"${set_in}$" if set_in else ""


def _formula(text: str) -> str:
    return "".join(_atoms(text))


def _atoms(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        # A script that has nothing before it stands on nothing.
        scripts = _SCRIPTS.match(text, place)
        if scripts and scripts.end() > place:
            yield "{}" + _scripted(scripts[0])
            place = scripts.end()
            continue
        atom = _ATOM.match(text, place)
        assert atom is not None
        scripts = _SCRIPTS.match(text, atom.end())
        assert scripts is not None
        yield _atom(atom) + _scripted(scripts[0])
        place = scripts.end()


def _atom(found: re.Match[str]) -> str:
    if found["root"]:
        under = found["under"]
        inside = _formula(under[1:-1] if under.startswith("(") else under)
        return rf"\sqrt{'[3]' if found['root'] == '∛' else ''}{{{inside}}}"
    if found["word"]:
        return rf"\{found['word']} " if found["word"] in _FUNCTIONS else rf"\mathrm{{{found['word']}}}"
    base = _sign(found["base"])
    for mark in found["marks"]:
        base = rf"\{_OVER[mark]}{{{base}}}" if mark in _OVER else base
    return base


def _sign(sign: str) -> str:
    """Return one sign of a formula."""
    if sign in _SIGNS:
        name = _SIGNS[sign]
        return f"\\{name} " if name.isalpha() else f"\\{name}"
    if sign in _WHOLE:
        return _WHOLE[sign]
    if sign.isascii() and sign.isprintable():
        return sign
    words = _words(sign)
    return words if words.isspace() or not words else rf"\text{{{words}}}"


def _scripted(scripts: str) -> str:
    low, high = "", ""
    for script in _SCRIPT.finditer(scripts):
        sign = script["one"]
        low += script["low"] or _SUB.get(sign, "")
        high += _formula(script["high"].strip("()")) if script["high"] else _SUP.get(sign, "")
    return (f"_{{{low}}}" if low else "") + (f"^{{{high}}}" if high else "")


def _words(text: str) -> str:
    found = ""
    for character in text:
        if unicodedata.combining(character):
            accent = _ACCENTS.get(character)
            found = rf"{found[:-1]}\{accent}{{{found[-1]}}}" if accent and found[-1:].isalpha() else found
        elif character in _IN_WORDS:
            found += _IN_WORDS[character]
        elif character.isspace() or not character.isprintable():
            found += " "
        else:
            found += character if character.isascii() else _foreign(character)
    return found


def _foreign(character: str) -> str:
    """Return what pdfLaTeX can set in place of a character of a foreign writing: its number, if there is nothing."""
    plain = unicodedata.normalize("NFKD", character)
    return _words(plain) if plain.isascii() else f"[U+{ord(character):04X}]"


def number_in_latex(value: float, digits: int, whole: bool) -> str:
    """Return a number to so many significant digits, zeros at its end as well; −− where there is none."""
    if math.isnan(value):
        return "--"
    mantissa, power = in_column(value, digits, whole)
    number = mantissa.replace("−", "-").replace("∞", r"\infty")
    return f"${number}\\cdot10^{{{power}}}$" if power else f"${number}$"
