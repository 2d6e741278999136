#!/bin/sh
# Checks a running fleet against docs/redis-protocol.md with nothing but redis-cli: adds jobs, follows them, reads
# everything that the page promises to a plain client, and looks at names, fields, types and TTLs.
#
#   REDIS_URL=redis://127.0.0.1:6379 tests/doors/redis-conformance.sh
#
# The fleet should be idle: a queue is paused for a moment. KEY_PREFIX is its redis.keyPrefix, QUEUE the queue to use,
# TTL and DEAD_TTL its redis.ttl and redis.deadTtl, when they are not the defaults. Prints a line for each check that
# fails, then `N of N checks passed`; the exit status is 1 when one failed, 2 when the checks could not be made.
set -u

prefix=${KEY_PREFIX:-swarm:phase-5:}
queue=${QUEUE:-normal}
ttl=${TTL:-3600}
dead_ttl=${DEAD_TTL:-604800}
q="$prefix{$queue}:"
names='A-Za-z0-9._:-'
passed=0
total=0
listener=

quit() {
    echo "redis-conformance: $*" >&2
    exit 2
}

[ -n "${REDIS_URL:-}" ] || quit "REDIS_URL must name the fleet's Redis"
command -v redis-cli >/dev/null || quit "redis-cli is missing"
work=$(mktemp -d) || quit "no temporary directory"
clean_up() {
    [ -z "$listener" ] || kill "$listener" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

r() { redis-cli -u "$REDIS_URL" --no-auth-warning "$@"; }

[ "$(r PING)" = PONG ] || quit "no answer from the Redis of REDIS_URL"
[ "$(r SISMEMBER "${prefix}queues" "$queue")" = 1 ] || quit "no worker serves the queue $queue under $prefix"
[ -z "$(r GET "${q}mode")" ] || quit "the queue $queue is paused or draining"

# --- checks ---------------------------------------------------------------------------------------------------------

# check WHAT COMMAND…: the command must succeed.
check() {
    what=$1
    shift
    total=$((total + 1))
    if "$@"; then passed=$((passed + 1)); else echo "FAILED: $what"; fi
}

# is WHAT FOUND EXPECTED
is() {
    total=$((total + 1))
    if [ "$2" = "$3" ]; then passed=$((passed + 1)); else echo "FAILED: $1: found \`$2\`, expected \`$3\`"; fi
}

# like WHAT FOUND PATTERN: the whole text must match the extended regular expression.
like() {
    total=$((total + 1))
    if printf '%s\n' "$2" | grep -Eqx -- "$3"; then
        passed=$((passed + 1))
    else
        echo "FAILED: $1: found \`$2\`, expected to match \`$3\`"
    fi
}

# between WHAT NUMBER LEAST MOST
between() {
    total=$((total + 1))
    if printf '%s %s %s\n' "$2" "$3" "$4" | awk '{ exit !($1 ~ /^-?[0-9.]+$/ && $1 >= $2 && $1 <= $3) }'; then
        passed=$((passed + 1))
    else
        echo "FAILED: $1: found \`$2\`, expected $3 to $4"
    fi
}

# json TEXT PATH…: the value at a path in a JSON text: a text as it is, `true`, a number, `[N]` for an array of N,
# `{}` for an object, `null` where there is none, `no JSON` when it is none. Redis reads it.
json() {
    r EVAL '
        local good, value = pcall(cjson.decode, ARGV[1])
        if not good then return "no JSON" end
        for n = 2, #ARGV do
            if type(value) ~= "table" then return "null" end
            value = value[ARGV[n]]
        end
        if value == nil or value == cjson.null then return "null" end
        if type(value) == "number" then return string.format("%.14g", value) end
        if type(value) ~= "table" then return tostring(value) end
        return #value > 0 and "[" .. #value .. "]" or "{}"' 0 "$@"
}

# until_set LIMIT COMMAND…: repeats a command until it prints something, at most LIMIT seconds; prints that.
until_set() {
    limit=$1
    shift
    tries=$((limit * 10))
    while [ "$tries" -gt 0 ]; do
        found=$("$@")
        if [ -n "$found" ]; then
            printf '%s\n' "$found"
            return 0
        fi
        r XREAD BLOCK 100 STREAMS "${prefix}events" '$' >/dev/null
        tries=$((tries - 1))
    done
    return 1
}

outcome() { r GET "${q}job:$1"; }
wait_for() { until_set 60 outcome "$1"; }
line_of() { r HGET "${q}live" "$1"; }
word() { printf '%s\n' "$1" | awk -v n="$2" '{ print $n }'; }
now() { r TIME | awk 'NR == 1 { printf "%s", $1 } NR == 2 { printf "%03d\n", int($1 / 1000) }'; }
add() { r XADD "${q}jobs" '*' job "$1"; }
# stat NAME: a counter of the queue, 0 where it is absent.
stat() { r HGET "${q}stats" "$1" | awk '{ n = $1 } END { print n + 0 }'; }
# state ID WORD: prints the job's line when it is in that state.
state() { line_of "$1" | grep "^$2 "; }

# heard ID TYPE: the latest event of this type about a job that the channel has brought.
heard() { grep -F "\"jobId\":\"$1\"" "$work/heard" | grep -F "\"type\":\"$2\"" | awk 'END { if (NR) print }'; }
# kept ID TYPE: the same from the fleet's stream.
kept() {
    r XREVRANGE "${prefix}events" + - COUNT 1000 | grep -F "\"jobId\":\"$1\"" | grep -F "\"type\":\"$2\"" |
        awk 'NR == 1'
}

# --- begin ----------------------------------------------------------------------------------------------------------

begun=$(now)
run=conformance-$begun
: >"$work/heard"
r SUBSCRIBE "${prefix}booster" >>"$work/heard" 2>/dev/null &
listener=$!
until_set 10 grep -F subscribe "$work/heard" >/dev/null || quit "the event channel cannot be subscribed to"

kind() { is "type of $1" "$(r TYPE "$1")" "$2"; }

# --- a job from request to outcome -----------------------------------------------------------------------------------

done_before=$(stat done)
asked_before=$(stat enqueued:apply)
id=$run-edit
entry=$(add '{"id":"'"$id"'","booster":"apply","agentId":"coordinator","input":{"code":"def a():\n    return 1\n","edit":"def a():\n    return 2\n","language":"python"}}')
like "XADD answers with the entry" "$entry" '[0-9]+-[0-9]+'
text=$(wait_for "$id")
is "the outcome's id" "$(json "$text" id)" "$id"
is "the outcome's word" "$(json "$text" outcome)" done
is "output.output" "$(json "$text" output output; echo .)" "$(printf 'def a():\n    return 2\n\n.')"
is "output.success" "$(json "$text" output success)" true
between "output.confidence" "$(json "$text" output confidence)" 0 1
is "attempts" "$(json "$text" attempts)" 0
is "crashes" "$(json "$text" crashes)" 0
between "latencyMs" "$(json "$text" latencyMs)" 0 60000
between "waitMs" "$(json "$text" waitMs)" 0 60000
like "booster" "$(json "$text" booster)" 'apply@[0-9].*'
is "usedFallback" "$(json "$text" usedFallback)" false
between "enqueuedAt" "$(json "$text" enqueuedAt)" "$begun" "$(now)"
between "finishedAt" "$(json "$text" finishedAt)" "$begun" "$(now)"
is "enqueuedAt is the entry's time" "$(json "$text" enqueuedAt)" "${entry%-*}"
worker=$(json "$text" worker)
check "the outcome's worker has a profile" [ "$(r EXISTS "${prefix}agent:$worker")" = 1 ]
is "error of a done job" "$(json "$text" error)" null
is "refusal of a done job" "$(json "$text" refusal)" null
kind "${q}job:$id" string
between "TTL of an outcome" "$(r TTL "${q}job:$id")" 1 "$ttl"
is "line of a job that has ended" "$(line_of "$id")" ""
is "entry of a job that has ended" "$(r XRANGE "${q}jobs" "$entry" "$entry")" ""
is "counter done" "$(stat done)" $((done_before + 1))
is "counter enqueued:apply" "$(stat enqueued:apply)" $((asked_before + 1))

# --- its events ------------------------------------------------------------------------------------------------------

for type in booster.requested booster.allocated booster.task.completed; do
    event=$(until_set 10 heard "$id" $type)
    is "$type on the channel" "$(json "$event" type)" $type
    between "$type: timestamp" "$(json "$event" timestamp)" "$begun" "$(now)"
    is "$type: jobId" "$(json "$event" data jobId)" "$id"
    is "$type: queue" "$(json "$event" data queue)" "$queue"
    is "$type in the fleet's stream is the same text" "$(until_set 10 kept "$id" $type)" "$event"
    case $type in
    booster.requested)
        is "$type: booster" "$(json "$event" data booster)" apply
        is "$type: agentId" "$(json "$event" data agentId)" coordinator
        ;;
    booster.allocated)
        slot=$(json "$event" data boosterId)
        like "$type: boosterId" "$slot" "[$names]+-s[0-9]+"
        like "$type: instanceId" "$(json "$event" data instanceId)" "$slot-i[0-9]+"
        is "$type: workerId" "$(json "$event" data workerId)" "$worker"
        is "$type: attempt" "$(json "$event" data attempt)" 1
        between "$type: waitMs" "$(json "$event" data waitMs)" 0 60000
        ;;
    booster.task.completed)
        like "$type: booster" "$(json "$event" data booster)" 'apply@[0-9].*'
        is "$type: outcome" "$(json "$event" data outcome)" done
        is "$type: workerId" "$(json "$event" data workerId)" "$worker"
        between "$type: latencyMs" "$(json "$event" data latencyMs)" 0 60000
        is "$type: agentId" "$(json "$event" data agentId)" coordinator
        ;;
    esac
done
is "order of a job's events" \
    "$(r XRANGE "${prefix}events" "$begun" + | grep -F "\"jobId\":\"$id\"" | awk -F'"' '{ printf "%s ", $4 }')" \
    "booster.requested booster.allocated booster.task.completed "
fields=$(r XREVRANGE "${prefix}events" + - COUNT 1000 | awk -v id="\"jobId\":\"$id\"" '
    $0 == "events" { getline; found = index($0, id) || found; next }
    /^(queue|source)$/ { name = $0; getline; if (found) print name; next }')
for field in queue source; do
    like "field $field of a moved entry" "$(printf '%s\n' "$fields" | grep -x $field | awk 'NR == 1')" $field
done
last=$(r XREVRANGE "${prefix}events" + - COUNT 1 | awk 'NR == 1')
like "ids of the fleet's stream" "$last" '[0-9]+-[0-9]+'
next=$run-next
add '{"id":"'"$next"'","booster":"noop","input":{}}' >/dev/null
read_on() { r XREAD COUNT 1000 STREAMS "${prefix}events" "$last" | grep -F "\"jobId\":\"$next\"" | grep -F task.completed; }
check "reading on from the last entry seen finds what came" [ -n "$(until_set 30 read_on)" ]

# --- ids ---------------------------------------------------------------------------------------------------------------

entry=$(add '{"booster":"noop","input":{}}')
is "id of a job without one" "$(json "$(wait_for "$queue-$entry")" id)" "$queue-$entry"
dropped=$(stat deduplicated)
before=$(outcome "$id")
add '{"id":"'"$id"'","booster":"noop","input":{}}' >/dev/null
more() { [ "$(stat deduplicated)" -gt "$dropped" ] && echo yes; }
check "a second entry with a known id is dropped and counted" [ -n "$(until_set 10 more)" ]
is "the first one's outcome stays" "$(outcome "$id")" "$before"
entry=$(r XADD "${q}jobs" '*' more ignored job '{"id":"'"$run-fields"'","booster":"noop","input":{},"later":[]}')
is "other fields of an entry, and unknown ones of a job, do no harm" \
    "$(json "$(wait_for "$run-fields")" outcome)" done

# --- jobs that cannot run ------------------------------------------------------------------------------------------------

# dead NAME ID CODE
dead() {
    text=$(wait_for "$2")
    is "$1: outcome" "$(json "$text" outcome)" dead
    is "$1: error.code" "$(json "$text" error code)" "$3"
    check "$1: error.message" [ "$(json "$text" error message)" != null ]
}
add '{"id":"'"$run-unknown"'","booster":"no-such-booster","input":{}}' >/dev/null
dead "a booster that nobody has" "$run-unknown" booster_unknown
add '{"id":"'"$run-bare"'","booster":"noop"}' >/dev/null
dead "a job without input" "$run-bare" job_field_missing
add '{"id":"'"$run-wrong"'","booster":"noop","input":{},"timeoutMs":0}' >/dev/null
dead "a field with a wrong value" "$run-wrong" job_field_invalid
dead "an entry that is no JSON" "$queue-$(add 'no JSON')" job_not_json
dead "an entry without the field job" "$queue-$(r XADD "${q}jobs" '*' other x)" job_field_missing
kind "${q}dead" zset
between "score of a dead job" "$(r ZSCORE "${q}dead" "$run-unknown")" "$begun" "$(now)"
between "TTL of a dead job's outcome" "$(r TTL "${q}job:$run-unknown")" "$((dead_ttl - 600))" "$dead_ttl"
like "text of a dead job" "$(r GET "${q}text:$run-unknown")" '.*"booster":"no-such-booster".*'
event=$(until_set 10 heard "$run-unknown" booster.error)
is "booster.error: dead" "$(json "$event" data dead)" true
is "booster.error: error.code" "$(json "$event" data error code)" booster_unknown
is "booster.error: cause of a job that never ran" "$(json "$event" data cause)" null
is "booster.error: attempts" "$(json "$event" data attempts)" 0

# --- a refusal, and its offer to regular agents ------------------------------------------------------------------------

add '{"id":"'"$run-refused"'","booster":"apply","input":{"code":"def a(): pass\n","edit":"def ((","language":"python"}}' >/dev/null
text=$(wait_for "$run-refused")
is "outcome of a refused edit" "$(json "$text" outcome)" refused
check "refusal.reason" [ "$(json "$text" refusal reason)" != null ]
check "refusal.message" [ "$(json "$text" refusal message)" != null ]
like "text of a refused job" "$(r GET "${q}text:$run-refused")" '.*"edit":"def \(\(".*'
between "TTL of that text" "$(r TTL "${q}text:$run-refused")" 1 "$ttl"
is "outcome of a refused job in its event" \
    "$(json "$(until_set 10 heard "$run-refused" booster.task.completed)" data outcome)" refused
# Only with booster.fallbackEnabled.
if [ "$(r EXISTS "${q}fallback")" = 1 ]; then
    kind "${q}fallback" stream
    # offer ID: the outcome in the job's offer.
    offer() {
        r XREVRANGE "${q}fallback" + - COUNT 100 | awk -v id="$1" '
            $0 == "id" { getline; here = $0 == id; next }
            $0 == "outcome" { getline; if (here) { print; exit } }'
    }
    is "the refused job's offer" "$(offer "$run-refused")" refused
    is "the dead job's offer" "$(offer "$run-unknown")" dead
fi

# --- delayed, paused, drained, withdrawn --------------------------------------------------------------------------------

# withdraw ID: asks for the job's cancellation until it has an outcome.
withdraw() {
    asked() {
        r PUBLISH "${q}control" "withdraw $1" >/dev/null
        outcome "$1"
    }
    until_set 30 asked "$1"
}
id=$run-later
later=$(($(now) + 600000))
add '{"id":"'"$id"'","booster":"noop","input":{},"runAt":'"$later"'}' >/dev/null
line=$(until_set 10 state "$id" delayed)
kind "${q}live" hash
is "words of a line" "$(printf '%s\n' "$line" | awk '{ print NF }')" 10
is "entry of a delayed job" "$(word "$line" 2)" -
is "worker of a delayed job" "$(word "$line" 3)" -
between "when it was enqueued" "$(word "$line" 5)" "$begun" "$(now)"
is "failed attempts in the line" "$(word "$line" 7)" 0
is "crashes in the line" "$(word "$line" 8)" 0
like "text of a delayed job" "$(r GET "${q}text:$id")" ".*\"runAt\":$later.*"
is "TTL of that text" "$(r TTL "${q}text:$id")" -1
is "outcome of a job that has not ended" "$(outcome "$id")" ""
text=$(withdraw "$id")
is "outcome of a withdrawn job" "$(json "$text" outcome)" cancelled
is "worker of a job that never ran" "$(json "$text" worker; echo .)" "$(printf '\n.')"
is "line of a withdrawn job" "$(line_of "$id")" ""
between "TTL of its outcome" "$(r TTL "${q}job:$id")" 1 "$ttl"
is "its event" "$(json "$(until_set 10 heard "$id" booster.task.completed)" data outcome)" cancelled

id=$run-paused
r SET "${q}mode" paused >/dev/null
add '{"id":"'"$id"'","booster":"noop","input":{}}' >/dev/null
sleep 2
is "a paused queue starts nothing" "$(outcome "$id")" ""
r DEL "${q}mode" >/dev/null
r PUBLISH "${q}control" mode >/dev/null
is "an open queue goes on" "$(json "$(wait_for "$id")" outcome)" done
r SET "${q}mode" draining >/dev/null
add '{"id":"'"$run-drained"'","booster":"noop","input":{}}' >/dev/null
is "a queue that is being drained runs what comes by XADD" "$(json "$(wait_for "$run-drained")" outcome)" done
r DEL "${q}mode" >/dev/null
r PUBLISH "${q}control" mode >/dev/null

# --- a job that runs, and failures; only in fleets with the booster for tests -----------------------------------------------

if r HKEYS "${prefix}boosters" | grep -q '^faulty@'; then
    id=$run-loop
    entry=$(add '{"id":"'"$id"'","booster":"faulty","input":{"do":"loop"},"timeoutMs":120000}')
    line=$(until_set 30 state "$id" running)
    is "entry of a running job" "$(word "$line" 2)" "jobs/$entry"
    worker=$(word "$line" 3)
    check "its worker lives" [ -n "$(r ZSCORE "${prefix}agents" "$worker")" ]
    between "when it was started" "$(word "$line" 4)" "$begun" "$(now)"
    event=$(until_set 10 heard "$id" booster.allocated)
    slot=$(json "$event" data boosterId)
    busy() { [ "$(r HGET "${prefix}booster:$slot" status)" = busy ] && echo yes; }
    check "its slot is busy" [ -n "$(until_set 10 busy)" ]
    is "its instance is not free" "$(r SISMEMBER "${prefix}pool" "$(json "$event" data instanceId)")" 0
    is "outcome of a running job that is withdrawn" "$(json "$(withdraw "$id")" outcome)" cancelled
    ready() { [ "$(r HGET "${prefix}booster:$slot" status)" = ready ] && echo yes; }
    check "its slot is ready again" [ -n "$(until_set 10 ready)" ]

    id=$run-panic
    add '{"id":"'"$id"'","booster":"faulty","input":{"do":"panic"},"maxRetries":1}' >/dev/null
    dead "a booster that panics" "$id" panic
    is "failed attempts of a dead job" "$(json "$(outcome "$id")" attempts)" 2
    event=$(until_set 10 heard "$id" booster.error)
    is "booster.error: cause" "$(json "$event" data cause)" panic
    is "booster.error: dead" "$(json "$event" data dead)" true
    first=$(grep -F "\"jobId\":\"$id\"" "$work/heard" | grep -F booster.error | awk 'NR == 1')
    is "booster.error of the first attempt: dead" "$(json "$first" data dead)" false
    between "booster.error: retryAt" "$(json "$first" data retryAt)" "$begun" "$(($(now) + 60000))"
    # The event of a slot's recovery names no job.
    recovered() { grep -F '"type":"booster.recovered"' "$work/heard" | awk 'END { if (NR) print }'; }
    event=$(until_set 10 recovered)
    for field in boosterId oldInstanceId instanceId workerId cause recoveryMs; do
        check "booster.recovered: $field" [ "$(json "$event" data $field)" != null ]
    done
    from_pool() { r XRANGE "${prefix}events" "$begun" + | grep -F '"type":"booster.recovered"' | awk 'NR == 1'; }
    check "booster.recovered is in the fleet's stream" [ -n "$(until_set 10 from_pool)" ]
fi

# --- what the fleet says of itself --------------------------------------------------------------------------------------------

kind "${prefix}queues" set
kind "${prefix}agents" zset
kind "${prefix}boosters" hash
kind "${prefix}pool" set
kind "${prefix}events" stream
kind "${q}jobs" stream
kind "${q}stats" hash
check "the queues have at least one name" [ "$(r SCARD "${prefix}queues")" -ge 1 ]

for worker in $(r ZRANGE "${prefix}agents" "$(now)" +inf BYSCORE); do
    profile=${prefix}agent:$worker
    kind "$profile" hash
    between "TTL of $profile" "$(r TTL "$profile")" 1 20
    is "type of the agent" "$(r HGET "$profile" type)" code-booster
    like "capabilities" "$(json "$(r HGET "$profile" capabilities)")" '\[[0-9]+\]'
    requirements=$(r HGET "$profile" requirements)
    is "requirements.wasmSupport" "$(json "$requirements" wasmSupport)" true
    like "requirements.memoryLimit" "$(json "$requirements" memoryLimit)" '[0-9]+(KB|MB|GB)?'
    between "requirements.timeout" "$(json "$requirements" timeout)" 1 3600000
    like "boosters of the agent" "$(json "$(r HGET "$profile" boosters)")" '\[[0-9]+\]'
    like "queues of the agent" "$(json "$(r HGET "$profile" queues)")" '\[[0-9]+\]'
    between "startedAt" "$(r HGET "$profile" startedAt)" 1600000000000 "$(now)"
    for field in host version listen; do
        check "$field of the agent" [ -n "$(r HGET "$profile" $field)" ]
    done
done
check "a worker lives" [ -n "${profile:-}" ]

slots=$(r --scan --pattern "${prefix}booster:*")
check "there are state hashes" [ -n "$slots" ]
for key in $slots; do
    slot=${key#"${prefix}booster:"}
    like "id of a slot" "$slot" "[$names]+-s[0-9]+"
    kind "$key" hash
    between "TTL of $key" "$(r TTL "$key")" 1 "$ttl"
    like "status of $slot" "$(r HGET "$key" status)" 'initializing|ready|busy|error|recovered'
    instance=$(r HGET "$key" instanceId)
    like "instanceId of $slot" "$instance" "$slot-i[0-9]+"
    between "lastActivity of $slot" "$(r HGET "$key" lastActivity)" 1600000000000 "$(($(now) + 1000))"
    like "memoryUsage of $slot" "$(r HGET "$key" memoryUsage)" '[0-9]+'
    like "errorCount of $slot" "$(r HGET "$key" errorCount)" '[0-9]+'
    like "taskHistory of $slot" "$(json "$(r HGET "$key" taskHistory)")" '\{\}|\[([1-9]|1[0-9]|20)\]'
    is "performanceMetrics of $slot" "$(json "$(r HGET "$key" performanceMetrics)")" '{}'
    key=${prefix}pool:$instance
    kind "$key" hash
    is "wasmInstance of $instance" "$(r HGET "$key" wasmInstance)" "$slot"
    like "healthStatus of $instance" "$(r HGET "$key" healthStatus)" 'healthy|degraded|unhealthy'
    for field in createdAt lastUsed memoryUsage; do
        like "$field of $instance" "$(r HGET "$key" $field)" '[0-9]+'
    done
done
check "an idle fleet has free instances" [ "$(r SCARD "${prefix}pool")" -ge 1 ]
for instance in $(r SRANDMEMBER "${prefix}pool" 5); do
    is "instance hash of $instance" "$(r TYPE "${prefix}pool:$instance")" hash
done

# The history of a slot that has done something.
histories() { for key in $slots; do r HGET "$key" taskHistory; done | grep -F taskId | awk 'NR == 1'; }
history=$(until_set 5 histories)
for field in taskId booster result latencyMs at; do
    like "$field in a task history" "$history" ".*\"$field\":.*"
done

for booster in $(r HKEYS "${prefix}boosters"); do
    manifest=$(r HGET "${prefix}boosters" "$booster")
    is "manifest of $booster" "$(json "$manifest" name)@$(json "$manifest" version)" "$booster"
done
between "TTL of the list of boosters" "$(r TTL "${prefix}boosters")" 3000 1e9

for field in $(r HKEYS "${q}stats"); do
    like "counter $field" "$(r HGET "${q}stats" "$field")" '-?[0-9]+'
done

# --- names: nothing but what is documented ------------------------------------------------------------------------------------

own='queues|booster|events|pool|agents|boosters|limits|follower|modules'
of_one="(booster|pool|agent|tasks|rate|module):[$names]+|cache:\{outcomes\}:.+"
of_queue="jobs|front|turn|turns|live|delayed|events|stats|dead|mode|tenants|limited|schedules|ticks|keeper|confirmed|offers"
of_job="(job|text|claim|parked|intake|intake-office):.+"
stray=$(r --scan --pattern "$prefix*" | awk -v prefix="$prefix" '{ print substr($0, length(prefix) + 1) }' |
    grep -Evx "$own|$of_one|\{[$names]+\}:($of_queue|$of_job)")
is "keys that are not documented" "$stray" ""

echo "$passed of $total checks passed"
[ "$passed" -eq "$total" ]
