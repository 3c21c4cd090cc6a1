# Sourced by the comparisons in this folder: finds the Python of the peers and the raw files, or says what is skipped.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$here/../.venv/bin/python

skip() { # how many comparisons, why
    echo "skipped: $1 comparisons ($2)"
    exit "${PM25_REQUIRE_PEERS:-0}"
}

has_peers() { "$python" -c 'import lightgbm, onnx, onnxruntime, pyarrow, sklearn, xgboost' 2>/dev/null; }

need_peers() { # how many comparisons are at stake
    has_peers || { "$here/../setup" >/dev/null 2>&1 && has_peers; } || skip "$1" "the Python peers cannot be installed here"
}

need_raw() { # how many comparisons are at stake, the folder
    [ -d "$2" ] || skip "$1" "$2 is not here"
}
