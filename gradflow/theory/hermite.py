"""Averages over pairs by Hermite expansion: E f(u)·f(v) = Σ_k a_k(q_u)·a_k(q_v)·cᵏ, for all pairs of a batch at once.

a_k(q) = E f(√q·z)·h_k(z), with h_k the Hermite polynomials of norm 1 over z ~ N(0, 1). B × B pairs cost B²·K.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from gradflow.theory.quadrature import END, Array, rule

TERMS = 160
"""K. Of a kinked slope, the terms beyond carry 1 % or so of the average at c = 1, and nothing visible below 0.9."""

HALVES, SHARES = np.polynomial.legendre.leggauss(8)
HALVES, SHARES = (HALVES + 1.0) / 2.0, SHARES / 2.0
"""Nodes and weights of averages over a number from 0 to 1."""


def polynomials(z: Array, terms: int = TERMS) -> Array:
    """Return h_0 … h_{terms−1} at z, the index first: √(k+1)·h_{k+1} = z·h_k − √k·h_{k−1}."""
    h = np.empty((terms, *z.shape))
    h[0] = 1.0
    h[1] = z
    for k in range(1, terms - 1):
        h[k + 1] = (z * h[k] - math.sqrt(k) * h[k - 1]) / math.sqrt(k + 1)
    return h


@cache
def weighted_polynomials(level: int) -> tuple[Array, Array]:
    """Return nodes z and weight·h_k(z), shape (nodes, K): panels that shrink to 2^−level, none wider than the waves."""
    right = np.concatenate([2.0 ** np.arange(-float(level), 0.0), np.arange(1.0, END + 1.0)])
    z, weights = rule(np.concatenate([-right[::-1], [0.0], right]))
    return z, np.ascontiguousarray((polynomials(z) * weights).T)


def powers_sum(coefficients: Array, c: Array) -> Array:
    """Return Σ_k a_ik·a_jk·c_ijᵏ for coefficients (B, K) and c (B, B), by Horner's rule."""
    total = np.zeros_like(c)
    term = np.empty_like(c)
    there = np.asarray(coefficients.any(axis=0))
    terms = np.flatnonzero(there).max(initial=-1) + 1
    for a, counts in zip(np.ascontiguousarray(coefficients.T[:terms])[::-1], there[:terms][::-1], strict=True):
        np.multiply(total, c, out=total)
        if counts:
            np.multiply(a[:, None], a, out=term)
            np.add(total, term, out=total)
    return total


def kernel(coefficients: Array, c: Array, squares: Array) -> Array:
    """Return the averages for all pairs of the batch, from the coefficients (B, K), c and the squares E f² (B)."""
    size, roots = np.abs(coefficients), np.sqrt(squares)[:, None]
    kept = np.where(size > 1e-15 * roots, coefficients, 0.0)
    # Products of what is small in all samples add up to less than 2·10⁻¹⁴ of E f².
    small = (size <= 1e-8 * roots).all(axis=0)
    total = powers_sum(np.where(small, 0.0, kept), c) + _remainder(kept, c, squares)
    np.fill_diagonal(total, squares)
    return total


def _remainder(coefficients: Array, c: Array, squares: Array) -> Array | float:
    """Return what the terms from K on add, as if they fell like a power of k: a model, but one that is exact at c = ±1.

    For equal q and c = 1 they add up to what is missing from E f². How fast they fall, and their signs, are read off
    the terms from K/2 to K.
    """
    missing = np.maximum(squares - np.einsum("ik,ik->i", coefficients, coefficients), 0.0)
    last = coefficients[:, TERMS // 2 :]
    known = np.einsum("ik,ik->i", last, last)
    total, sum_known = np.nansum(missing), np.nansum(known)
    if not (1e-11 * np.nansum(squares) < total < math.inf and sum_known > 0.0):
        return 0.0
    # Σ k^−p over (K/2, K] and over all k > K are as 2^(p−1) − 1 to 1.
    power = math.log2(1.0 + sum_known / total)
    # Σ k^−p·cᵏ over k > K, as a share of Σ k^−p, is the average of c^(K/v^(1/(p−1))) over v from 0 to 1.
    exponent = TERMS * np.log(np.maximum(np.abs(c), 1e-9))
    decay, term = np.zeros_like(c), np.empty_like(c)
    for v, weight in zip(HALVES, SHARES, strict=True):
        np.multiply(exponent, v ** (-1.0 / power), out=term)
        np.exp(term, out=term)
        np.multiply(term, weight, out=term)
        np.add(decay, term, out=decay)
    scaled = last * np.sqrt(missing / np.maximum(known, 1e-300))[:, None]
    even, odd = scaled[:, ::2], scaled[:, 1::2]
    return np.asarray(decay * (even @ even.T + np.sign(c) * (odd @ odd.T)))
