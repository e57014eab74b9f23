"""The lab: views that take one network apart, number by number, and what they are made of.

Every file in here that registers a view registers exactly one.
"""

import importlib
import pkgutil

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
