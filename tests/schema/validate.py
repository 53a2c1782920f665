"""Which documents a JSON Schema refuses.

validate.py SCHEMA DOCUMENTS: DOCUMENTS has one JSON document a line; prints a line for each,
`ok` or `refused`. Exits with 2 if it cannot do its work.
"""
import json
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError as error:
    sys.exit(f"validate.py needs python3-jsonschema (./dev deps installs it): {error}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    with open(sys.argv[2], encoding="utf-8") as file:
        for line in file:
            print("ok" if validator.is_valid(json.loads(line)) else "refused")


main()
