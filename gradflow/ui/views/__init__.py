"""What the user watches: one file per view, and every file in here registers the view of its name."""

import pkgutil

from gradflow.ui.view import VIEWS

VIEWS.expect(__name__, sorted(module.name for module in pkgutil.iter_modules(__path__)))
