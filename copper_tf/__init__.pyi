from .config import Config as Config
from .config import default_config as default_config

__version__: str
