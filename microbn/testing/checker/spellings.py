"""The names that people write for a gradient, and the value that each is the gradient of.

``dxhat``, ``d_x_hat`` and ``grad_x_hat`` are one name, and ``var`` and ``σ²`` are one value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# One line for each value of a normalization, in the words of courses and papers.
SYNONYMS = """
x input inputs hprebn
mean mu avg average xmean samplemean batchmean bnmeani
centered xmu xc xcentered diff bndiff
square squared sq sqr bndiff2
var variance sigma2 sigmasq sigmasquared xvar samplevar batchvar bnvar
std sigma stddev sqrt sqrtvar samplestd batchstd
ivar invvar varinv invstd stdinv istd rstd invsqrtvar bnvarinv
xhat xnorm xn normed normalized xnormalized bnraw
scaled gammax gammaxhat
gamma gain scale weight bngain
beta bias shift bnbias
y out output hpreact
"""
_FIRST = {word: line.split()[0] for line in SYNONYMS.split("\n") for word in line.split()}
_BEFORE = ("d", "dld", "dlossd", "grad", "g", "delta")  # how the name of a gradient begins
_MARKS = {"\u0302": "hat", "\u0304": "bar", "\u2202": "d"}


def bare(name: str) -> str:
    """Return a name in plain small letters: ``xhat`` for ``x_hat`` and x̂, ``sigma2`` for σ²."""
    last = unicodedata.normalize("NFKD", name).rpartition(".")[2]
    return re.sub(r"[\W_]", "", "".join(map(_letters, last))).lower()


def _letters(sign: str) -> str:
    greek = re.fullmatch(r"GREEK \w+ LETTER (?:FINAL )?(\w+)", unicodedata.name(sign, ""))
    return greek[1].lower() if greek else _MARKS.get(sign, sign)


def one_word(word: str) -> str:
    """Return the word that stands for all its synonyms, of a word from `bare`."""
    return _FIRST.get(word, word)


def is_common(word: str) -> bool:
    """Return whether this is one of the usual names of a value, which may end with a digit."""
    return word in _FIRST


def values_meant(name: str) -> Iterator[str]:
    """Yield the values whose gradient may have this name, in the letters of `bare`."""
    word = bare(name)
    yield from (word.removeprefix(d) for d in _BEFORE if word.startswith(d) and word != d)
    if word.endswith("grad") and word != "grad":
        yield word.removesuffix("grad")
