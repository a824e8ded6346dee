#!/usr/bin/env bash
# The whole way to a ser-sim checkpoint: render, contrastive training, three stages, scores.
#
#     config/train/sim_chain.sh gpu SIM_FOLDER RUN_FOLDER     # larger model, one GPU (not yet run)
#     config/train/sim_chain.sh cpu SIM_FOLDER RUN_FOLDER     # the shipped model's sizes, two cores
#
# Run again after a kill: renders, pseudo captions and finished stages are kept; the contrastive
# training begins anew unless RUN_FOLDER/init/README.md says that it ended.
set -euo pipefail
kind=$1 data=$2 run=$3
here=$(cd "$(dirname "$0")" && pwd)
workers=$(nproc)
case $kind in
gpu)
    export MUJOCO_GL=${MUJOCO_GL:-egl}
    pictures=20000 references=2 own=200000 rules=2
    clip=(python -m ser_ros.train.contrastive "$here/sim_clip_gpu.yaml" --set)
    train=(python -m ser_ros.cli train "$here/sim_gpu.yaml")
    ;;
cpu)
    export OMP_NUM_THREADS=1
    pictures=21852 references=3 own=41000 rules=1
    # Products in bfloat16 are several times faster where the CPU has units for them, and far slower elsewhere.
    precision=fp32
    if grep -q amx_bf16 /proc/cpuinfo; then precision=bf16; fi
    clip=(python -m ser_ros.train.contrastive "$here/sim_clip.yaml" --set threads=1 "precision=$precision")
    train=(torchrun --nproc_per_node 2 -m ser_ros.cli train "$here/sim.yaml" --set "precision=$precision")
    ;;
*)
    echo "usage: $0 gpu|cpu SIM_FOLDER RUN_FOLDER" >&2
    exit 2
    ;;
esac
train+=(--set "root=$data" --set "output=$run" --set "model.start=$run/init" --set "feature_cache=$run/features")
ser() { python -m ser_ros.cli "$@"; }

ser sim render --split val --count 300 --workers "$workers" --out "$data/val"
ser sim render --split train --count "$pictures" --references "$references" --workers "$workers" --out "$data/train"
ser sim render --split test --count 300 --workers "$workers" --out "$data/test"
ser sim render --split test_novel --count 300 --workers "$workers" --out "$data/test_novel"
ser pseudo --data "$data/train/captions.json" --out "$data/pseudo-rules.jsonl" --per-caption "$rules" --workers "$workers"
grep -qs "Start of the stages" "$run/init/README.md" || "${clip[@]}" "root=$data" "output=$run"
"${train[@]}" --stage pretrain
"${train[@]}" --stage stage1
ser pseudo --data "$data/train/captions.json" --images "$data/train/images" --limit "$own" --batch 64 \
    --generator model --model "$run/stage1/model" --out "$data/pseudo-own.jsonl"
"${train[@]}" --stage stage2
python -c "
import sys
from ser_ros.model.ser_model import SerModel
SerModel.from_pretrained(sys.argv[1], dtype='fp16').save_pretrained(sys.argv[2])" "$run/stage2/model" "$run/ser-sim"
python "$here/../../benchmarks/sim_scores.py" --model "$run/ser-sim" --data "$data/test" "$data/test_novel" --out "$run/scores.json"
