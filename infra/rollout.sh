#!/bin/sh
# Rolls one release out to one environment, step by step, and takes it back when it does not answer.
#
#   infra/rollout.sh plan  ENVIRONMENT IMAGE TRAINING_IMAGE            what would change
#   infra/rollout.sh apply ENVIRONMENT IMAGE TRAINING_IMAGE [PERCENT...]
#
# Images are named by digest. Reads PROJECT, REGION and DOMAIN. The schema is upgraded first: it fits the release before
# it too, so taking a release back never takes the schema back. Workers get SIGTERM and finish what is under way; what
# they leave is gone on with by their successors. PERCENT are the steps of the API's traffic, 100 at last.
set -eu

say() { printf 'rollout: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

[ $# -ge 4 ] || fail "usage: $0 plan|apply ENVIRONMENT IMAGE TRAINING_IMAGE [PERCENT...]"
verb=$1 environment=$2 image=$3 training=$4
shift 4
for named in "$image" "$training"; do
    case $named in *@sha256:*) ;; *) fail "$named is no digest; a tag may point elsewhere tomorrow" ;; esac
done
name=ballast-$environment
pools='market trading training'
checks=${SMOKE_CHECKS:-20} pause_s=${SMOKE_PAUSE_S:-3}

run() { gcloud run "$@" --project "$PROJECT" --region "$REGION" --quiet; }
image_of() { case $1 in training) echo "$training" ;; *) echo "$image" ;; esac; }
running() { run worker-pools describe "$name-$1" --format 'value(template.containers[0].image)'; }

before=$(run services describe "$name-api" --format 'value(status.traffic[0].revisionName)')
market_before=$(running market) trading_before=$(running trading) training_before=$(running training)

if [ "$verb" = plan ]; then
    echo "api: from $before to $image"
    echo "market: from $market_before to $image"
    echo "trading: from $trading_before to $image"
    echo "training: from $training_before to $training"
    echo "schema: upgraded by $name-migrate to what $image needs"
    exit
fi

take_back() {
    say "it does not work; taking it back"
    run services update-traffic "$name-api" --to-revisions "$before=100" || say "the API's traffic did not move back"
    run worker-pools update "$name-market" --image "$market_before" || say "market did not go back"
    run worker-pools update "$name-trading" --image "$trading_before" || say "trading did not go back"
    run worker-pools update "$name-training" --image "$training_before" || say "training did not go back"
    exit 1
}

healthy() {
    count=0
    while [ "$count" -lt "$checks" ]; do
        curl --fail --silent --show-error --output /dev/null --max-time 10 "https://$DOMAIN/api/openapi.json" || return 1
        count=$((count + 1))
        sleep "$pause_s"
    done
}

roll_out() {
    for pool in $pools; do
        run worker-pools update "$name-$pool" --image "$(image_of "$pool")" || return 1
    done
    run services update "$name-api" --image "$image" --no-traffic --tag candidate || return 1
    for percent in "$@"; do
        say "the new API gets $percent % of the traffic"
        run services update-traffic "$name-api" --to-tags "candidate=$percent" || return 1
        healthy || return 1
    done
}

say "upgrading the schema"
run jobs update "$name-migrate" --image "$image"
run jobs execute "$name-migrate" --wait
[ $# -gt 0 ] || set -- 100
roll_out "$@" || take_back
say "done; to take it back: $0 apply $environment $market_before $training_before"
