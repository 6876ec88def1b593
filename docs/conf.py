"""How Sphinx builds the documentation: ``make docs``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Tables take their names and requirements from the benchmarks themselves, which aren't installed.
sys.path[:0] = [str(Path(__file__).parent / "_ext"), str(Path(__file__).parents[1])]

import copper_tf  # noqa: E402

project = "copper-tf"
author = "the authors of copper-tf"
project_copyright = "2026, the authors of copper-tf"
release = copper_tf.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_click",
    "sphinx_copybutton",
    "benchmarks_directive",
    "command_help",
    "public_names",
]
exclude_patterns = ["_build", "_ext"]
nitpicky = True
# Types of other packages have no page here.
nitpick_ignore_regex = [("py:.*", ".*")]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 4
# The Python tutorial takes some minutes: DOCS_EXECUTE=1 runs it where it has changed, and shows what it prints.
nb_execution_mode = "cache" if os.environ.get("DOCS_EXECUTE") else "off"
suppress_warnings = [] if os.environ.get("DOCS_EXECUTE") else ["myst-nb.lexer"]
nb_execution_timeout = 900
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_merge_streams = True
nb_output_stderr = "remove"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# "What: more" under Returns is a sentence, not a type.
napoleon_use_rtype = False
# Two hyphens are a flag, not a dash.
smartquotes = False
# Names in single backticks become links where they have a page.
default_role = "py:obj"
copybutton_prompt_text = "$ "
# Lines that a command goes on in are copied, too.
copybutton_line_continuation_character = "\\"

html_theme = "pydata_sphinx_theme"
html_title = f"copper-tf {release}"
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
