from .api.training import train as train
from .api.training import train_runs as train_runs
from .api.training import training_config as training_config
from .config import Config as Config
from .config import default_config as default_config
from .runs.run import Run as Run

__version__: str
