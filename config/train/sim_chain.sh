#!/usr/bin/env bash
# The whole way to a ser-sim checkpoint: render, contrastive training, the three stages, fp16 copy.
#
#     config/train/sim_chain.sh gpu SIM_FOLDER RUN_FOLDER     # the shipped model: one GPU and some cores
#     config/train/sim_chain.sh cpu SIM_FOLDER RUN_FOLDER     # a smaller one on two cores
#
# Run again after a kill: renders, pseudo captions and finished stages are kept; the contrastive
# training begins anew unless RUN_FOLDER/init/README.md says that it ended. On a GPU the pictures are
# rendered while the model learns, so that it does not wait for them.
#
# Environment: PICTURES (of the training) and SECOND (others, for the own captions that stage 2 learns
# from), CLIP and TRAIN: changes of the two recipes, such as CLIP="minutes=3" TRAIN="stages.stage1.max_steps=9".
set -euo pipefail
kind=$1 data=$2 run=$3
here=$(cd "$(dirname "$0")" && pwd)
cores=$(nproc)
ser() { python -m ser_ros.cli "$@"; }
at() { echo "--- $(date +%T) $*"; }
render() { ser sim render --out "$data/$1" --split "${1/second/train}" --count "$2" "${@:3}"; }
rules() { ser pseudo --data "$data/train/captions.json" --out "$data/pseudo-rules.jsonl" --per-caption 1 "$@"; }
own() { # FOLDER OPTIONS...
    ser pseudo --data "$data/$1/captions.json" --images "$data/$1/images" --out "$data/pseudo-own.jsonl" \
        --generator model --model "$run/stage1/model" "${@:2}"
}

case $kind in
gpu)
    export MUJOCO_GL=${MUJOCO_GL:-egl}
    clip=(python -m ser_ros.train.contrastive "$here/sim_clip_gpu.yaml" --set)
    train=(python -m ser_ros.cli train "$here/sim_gpu.yaml")
    ;;
cpu)
    export OMP_NUM_THREADS=1
    # Products in bfloat16 are several times faster where the CPU has units for them, and far slower elsewhere.
    precision=fp32
    if grep -q amx_bf16 /proc/cpuinfo; then precision=bf16; fi
    clip=(python -m ser_ros.train.contrastive "$here/sim_clip.yaml" --set threads=1 "precision=$precision")
    train=(torchrun --nproc_per_node 2 -m ser_ros.cli train "$here/sim.yaml" --set "precision=$precision"
        --set "feature_cache=$run/features")
    ;;
*)
    echo "usage: $0 gpu|cpu SIM_FOLDER RUN_FOLDER" >&2
    exit 2
    ;;
esac
train+=(--set "root=$data" --set "output=$run" --set "model.start=$run/init")
for change in ${TRAIN:-}; do train+=(--set "$change"); done
contrast() {
    grep -qs "Start of the stages" "$run/init/README.md" || "${clip[@]}" "root=$data" "output=$run" ${CLIP:-}
}

at render
render val 300 --workers "$cores"
if [ "$kind" = cpu ]; then
    render train "${PICTURES:-21852}" --references 3 --workers "$cores"
    rules --limit 60000 --workers "$cores"
    at contrastive
    contrast
    at pretrain and stage 1
    "${train[@]}" --stage pretrain --stage stage1
    at own captions
    own train --limit 41000 --batch 64
else
    count=${PICTURES:-40000}
    mkdir -p "$data/train/records"
    {
        render train "$count" --references 3 --workers $((cores > 8 ? cores - 2 : cores))
        touch "$data/train/done"
        rules --limit 90000 --workers 3 &
        render second "${SECOND:-30000}" --seed 1 --references 3 --workers $((cores > 8 ? cores - 6 : cores))
        wait
    } > "$data/pictures.log" 2>&1 &
    pictures=$!
    wait_for() { # COMMAND...: until it succeeds, or the pictures end
        until "$@" || ! kill -0 $pictures 2> /dev/null; do sleep 0.5; done
    }
    some() { [ "$(find "$data/train/records" -name '*.json' | wc -l)" -ge $((count / 100)) ]; } # of 8 pictures
    wait_for some
    at contrastive
    contrast
    at wait for the pictures
    wait_for [ -e "$data/train/done" ]
    at pretrain and stage 1
    "${train[@]}" --stage pretrain --stage stage1
    at wait for the pictures of stage 2
    wait $pictures
    at own captions
    for part in 1 2 3 4; do
        own second --shard $part/4 --batch 256 > "$run/own-$part.log" 2>&1 &
        parts[part]=$!
    done
    wait "${parts[@]}"
fi
at stage 2
"${train[@]}" --stage stage2
python -c "
import sys
from ser_ros.model.ser_model import SerModel
SerModel.from_pretrained(sys.argv[1], dtype='fp16').save_pretrained(sys.argv[2])" "$run/stage2/model" "$run/ser-sim"
at done
