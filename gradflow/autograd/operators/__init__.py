"""The table of operations: what each computes, and how a change and a gradient pass through it.

Importing the package fills `gradflow.autograd.table.OPERATORS`. A new operation is one entry in one of these modules;
the tests against central differences and PyTorch find it in the table.
"""

from gradflow.autograd.operators import arithmetic, choice, elementary, products, reductions, shaping, softmax

__all__ = ["arithmetic", "choice", "elementary", "products", "reductions", "shaping", "softmax"]
