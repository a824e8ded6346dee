#!/usr/bin/env bash
# The whole way to a ser-sim checkpoint: render, contrastive training, the three stages, fp16 copy.
#
#     config/train/sim_chain.sh gpu SIM_FOLDER RUN_FOLDER     # the shipped model, on one GPU
#     config/train/sim_chain.sh cpu SIM_FOLDER RUN_FOLDER     # the smaller one before it, on two cores
#
# Run again after a kill: renders, pseudo captions and finished stages are kept; the contrastive
# training begins anew unless RUN_FOLDER/init/README.md says that it ended. Where GPU time is dear,
# render first on another machine: what lies in SIM_FOLDER is not rendered again.
#
# Environment: PICTURES (of the training), SECOND and THIRD (others, for the own captions that the two rounds of
# stage 2 learn from), CLIP and TRAIN: changes of the two recipes, such as CLIP="minutes=3"
# TRAIN="stages.stage1.max_steps=9".
set -euo pipefail
kind=$1 data=$2 run=$3
here=$(cd "$(dirname "$0")" && pwd)
cores=$(nproc)
ser() { python -m ser_ros.cli "$@"; }
at() { echo "--- $(date +%T) $*"; }
render() { ser sim render --out "$data/$1" --count "$2" --workers "$cores" "${@:3}"; }

case $kind in
gpu)
    own=second
    clip=(python -m ser_ros.train.contrastive "$here/sim_clip_gpu.yaml" --set)
    train=(python -m ser_ros.cli train "$here/sim_gpu.yaml")
    ;;
cpu)
    own=train
    export OMP_NUM_THREADS=1
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
for change in ${TRAIN:-}; do train+=(--set "$change"); done

at render
render val 300 --split val
render train "${PICTURES:-21852}" --split train --references 3
if [ $own = second ]; then render second "${SECOND:-9000}" --split train --seed 1 --references 3; fi
at contrastive
grep -qs "Start of the stages" "$run/init/README.md" || "${clip[@]}" "root=$data" "output=$run" ${CLIP:-}
at pretrain and stage 1
"${train[@]}" --stage pretrain --stage stage1
at pseudo-initial captions
if [ $kind = cpu ]; then # sim_gpu.yaml reads the model's own alone
    ser pseudo --data "$data/train/captions.json" --out "$data/pseudo-rules.jsonl" --per-caption 1 --limit 60000 \
        --workers "$cores"
fi
ser pseudo --data "$data/$own/captions.json" --out "$data/pseudo-own.jsonl" --limit 60000 --batch 128 \
    --generator model --model "$run/stage1/model" --images "$data/$own/images"
at stage 2
"${train[@]}" --stage stage2
last=$run/stage2/model
if [ $own = second ]; then # again, from what it says now of pictures that it never saw
    at second round of stage 2
    render third "${THIRD:-10000}" --split train --seed 2 --references 3
    ser pseudo --data "$data/third/captions.json" --out "$data/pseudo-third.jsonl" --batch 32 --dtype bf16 \
        --generator model --model "$last" --images "$data/third/images"
    "${train[@]}" --stage stage2 --set "model.start=$last" --set "output=$run/again" \
        --set "stages.stage2.data=[{format: coco, path: third/captions.json, images: third/images,
            pseudo: [{path: pseudo-third.jsonl, per_caption: 1}]}]"
    last=$run/again/stage2/model
fi
at fp16 copy
python -c "
import sys
from ser_ros.model.ser_model import SerModel
first, last = (SerModel.from_pretrained(folder, dtype='fp32') for folder in sys.argv[1:3])
own = first.state_dict()  # the mean of both rounds errs less than either (model soups, arXiv 2203.05482)
last.load_state_dict({name: (own[name] + weight) / 2 for name, weight in last.state_dict().items()})
last.half().save_pretrained(sys.argv[3])" "$run/stage2/model" "$last" "$run/ser-sim"
at done
