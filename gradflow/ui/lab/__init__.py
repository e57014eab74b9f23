"""The lab: views that take one network apart, number by number, and what they are made of."""

from gradflow.ui.view import VIEWS

LAB = ("backprop", "paths", "jacobians", "differences", "directions", "autograd")
"""The views, in the order of their tabs; each is registered by the file of its name."""

VIEWS.expect(__name__, LAB)
