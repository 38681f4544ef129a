"""Connects once with redshift_connector and runs queries.

Standard input: {"connect": {arguments of redshift_connector.connect}, "queries": [SQL, …]}.
Standard output: {"rows": [[row, …] of each query]} or {"error": {"code": SQLSTATE or null, "message": text}}.
"""

import json
import sys

import redshift_connector


def main():
    wanted = json.load(sys.stdin)
    try:
        connection = redshift_connector.connect(**wanted["connect"])
        connection.autocommit = True
        rows = []
        for query in wanted.get("queries", []):
            cursor = connection.cursor()
            cursor.execute(query)
            rows.append([list(row) for row in cursor.fetchall()] if cursor.description else [])
        connection.close()
        answer = {"rows": rows}
    except redshift_connector.Error as error:
        fields = error.args[0] if error.args and isinstance(error.args[0], dict) else {"M": str(error)}
        answer = {"error": {"code": fields.get("C"), "message": fields.get("M")}}
    json.dump(answer, sys.stdout, default=str)


main()
