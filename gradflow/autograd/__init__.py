"""The chain rule on any expression: a define-by-run engine with the names and rules of `torch.autograd`.

    from gradflow.autograd import Variable, tanh

    w, z, b = Variable(0.5, requires_grad=True), Variable(2.0), Variable(-1.0, requires_grad=True)
    f = tanh(w * z + b)
    f.backward()
    w.grad, b.grad

A `Variable` is an array that remembers the `Operation` which made it. `operators` is the table of operations, each
with its rules; `backward` walks the record from the output to the leaves, `forward` from the inputs to the outputs;
`derivatives` asks both for gradients, Jacobians and Hessians. `program` runs a small typed program safely.
"""

# ruff: noqa: I001 (the table must be filled before the functions that look into it)
from gradflow.autograd.recording import enable_grad, is_grad_enabled, no_grad
from gradflow.autograd.variable import Variable
from gradflow.autograd.operation import Kink, Operation, Operator
from gradflow.autograd import operators as _operators
from gradflow.autograd.table import OPERATORS
from gradflow.autograd.cost import Multiplications, counted, multiplications
from gradflow.autograd.derivatives import grad, hessian, jacobian, jvp, vjp
from gradflow.autograd.functions import (
    abs,
    broadcast_to,
    concatenate,
    cos,
    dot,
    erf,
    exp,
    index,
    leaky_relu,
    log,
    log_softmax,
    matmul,
    max,
    maximum,
    mean,
    min,
    minimum,
    pow,
    relu,
    reshape,
    sigmoid,
    sin,
    softmax,
    softplus,
    sqrt,
    stack,
    sum,
    tanh,
    transpose,
    where,
)
from gradflow.errors import AutogradError, ProgramError

__all__ = [
    "OPERATORS", "AutogradError", "Kink", "Multiplications", "Operation", "Operator", "ProgramError", "Variable", "abs",
    "broadcast_to", "concatenate", "cos", "counted", "dot", "enable_grad", "erf", "exp", "grad", "hessian", "index",
    "is_grad_enabled", "jacobian", "jvp", "leaky_relu", "log", "log_softmax", "matmul", "max", "maximum", "mean", "min",
    "minimum", "multiplications", "no_grad", "pow", "relu", "reshape", "sigmoid", "sin", "softmax", "softplus", "sqrt",
    "stack", "sum", "tanh", "transpose", "vjp", "where",
]  # fmt: skip
del _operators
