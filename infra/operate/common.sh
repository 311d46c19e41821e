# shellcheck shell=bash disable=SC2154
# What the scripts in bash share. They need the AWS CLI, version 1 or 2, with credentials and a region.

# Version 2 would wait for a key at the end of what it prints.
export AWS_PAGER=''

# Prints the comment at the top of the script that is running.
help() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# The value of an option, which must be there: value --name "$@"
value() {
  [ -n "${3:-}" ] || fail "$1 needs a value"
  printf '%s' "$3"
}

# The name, id or URL of a resource of the stack, by its name in template.yaml.
resource() {
  aws cloudformation describe-stack-resource --stack-name "$stack" --logical-resource-id "$1" \
    --query StackResourceDetail.PhysicalResourceId --output text
}

# A text as JSON.
json() { printf '%s' "$1" | python3 -c 'import json, sys; print(json.dumps(sys.stdin.read()))'; }
