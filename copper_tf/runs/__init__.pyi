from .run import Run as Run
from .run import fold_runs as fold_runs
from .run import is_run as is_run
from .run import open_run as open_run
from .run import seed_runs as seed_runs
