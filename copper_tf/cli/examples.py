"""Examples at the end of the help of each command; a test parses all of them."""

from __future__ import annotations

__all__ = ["EXAMPLES"]

EXAMPLES: dict[str, tuple[str, ...]] = {
    "fit": ("copper fit FOLDER -o OUT --budget 60m", "copper fit FOLDER -o OUT --resume"),
    "simulate": ("copper simulate micrographs --labels 4 --pictures 10",),
    "check": ("copper check FOLDER", "copper check FOLDER --split 40/5/5 --json"),
    "build": ("copper build FOLDER -o DATA", "copper build FOLDER -o DATA --folds 5"),
    "train classifier": (
        "copper train classifier DATA -o RUN",
        "copper train classifier NEW_DATA -o TUNED --weights RUN --new-head",
    ),
    "train segmenter": (
        "copper train segmenter DATA -o RUN",
        "copper train segmenter DATA -o RUN --preset paper --hypothesis sqrt --d 3",
        "copper train segmenter DATA -o RUN --resume --epochs 400",
        "copper train segmenter DATA -o RUN --dry-run > config.json",
        "copper train segmenter DATA -o RUN --config config.json --d 3",
        "copper train segmenter NEW_DATA -o TUNED --weights RUN --epochs 20",
    ),
    "evaluate": ("copper evaluate RUN", "copper evaluate RUN --json > scores.json"),
    "trust": ("copper trust RUN", "copper trust RUN RUN_OF_ANOTHER_SEED"),
    "baselines": ("copper baselines RUN --classifier RUN_C",),
    "compare": ("copper compare RUN_A RUN_B -o comparison",),
    "compare-groups": (
        "copper compare-groups OLD NEW --labels labels.csv --margin 0.05",
        "copper compare-groups SCORES.csv --by bath",
    ),
    "calibrate": ("copper calibrate SCORES.csv --strength peel_N_per_mm -o CALIBRATION",),
    "gauge": ("copper gauge SCORES.csv -o GAUGE", "copper gauge SCORES.csv --precision 0.02"),
    "chart": ("copper chart SCORES.csv --reference R1 -o CHART",),
    "hypotheses": ("copper hypotheses DATA -o STUDY --compare linear sqrt square --seeds 3",),
    "search classifier": (
        "copper search classifier DATA -o SEARCH --space n d=2,3,4 --memory-limit 12GB",
        "copper search classifier DATA -o SEARCH --resume --space c=64 --budget 0.5",
    ),
    "search segmenter": ("copper search segmenter DATA -o SEARCH --space c=8,16 d --workers 2",),
    "report": ("copper report RUN_S RUN_C -o REPORT",),
    "predict": ("copper predict MODEL new/*.tif -o OUT", "copper predict MODEL FOLDER -o OUT --table table.xlsx"),
    "bulk": ("copper bulk MODEL 'new/**.tif' -o OUT --workers 4",),
    "view": ("copper view MODEL new/*.tif",),
    "blindtest": ("copper blindtest RUN -o TEST", "copper blindtest TEST --score"),
    "export": ("copper export RUN -o MODEL", "copper export RUN -o MODEL --to savedmodel,onnx"),
    "demo": ("copper demo -o demo",),
}
