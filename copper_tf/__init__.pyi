from .api.studies import HypothesisStudy as HypothesisStudy
from .api.studies import SearchResult as SearchResult
from .api.studies import SearchSettings as SearchSettings
from .api.studies import hypotheses as hypotheses
from .api.studies import plan_hypotheses as plan_hypotheses
from .api.studies import plan_search as plan_search
from .api.studies import search as search
from .api.studies import search_result as search_result
from .api.training import train as train
from .api.training import train_runs as train_runs
from .api.training import training_config as training_config
from .config import Config as Config
from .config import default_config as default_config
from .runs.run import Run as Run

__version__: str
