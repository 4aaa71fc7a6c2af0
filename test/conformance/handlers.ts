/** Handlers that the conformance suite deploys: standard library only, so that every environment can run them at once. */

/** Says which text it was deployed with and which process answers. */
export const speaking = (text: string) => `import os

class PythonPredictor:
    def __init__(self, config):
        self.text = ${JSON.stringify(text)}

    def predict(self, payload):
        return {"text": self.text, "pid": os.getpid(), "payload": payload}
`;

/** The configuration of one API with a handler in handler.py; more of the API in YAML may follow. */
export const spec = (name: string, more = "") => `- name: ${name}
  kind: RealtimeAPI
  handler:
    path: handler.py
${more}`;

/** Quick answers for whoever waits: no rest period, one look decides. */
export const failing = (statement: string) => `class PythonPredictor:
    def __init__(self, config):
        ${statement}

    def predict(self, payload):
        return payload
`;

/** Answers with what it was asked, by every method. */
export const echoing = `class Handler:
    def __init__(self, config):
        self.config = config

    def handle_get(self, query_params):
        return {"method": "get", "query": dict(query_params)}

    def handle_post(self, payload, headers):
        kind = type(payload).__name__
        if isinstance(payload, bytes):
            return payload
        return {"method": "post", "type": kind, "payload": payload if kind != "FormData" else sorted(payload.keys())}

    def handle_put(self, payload):
        return "put"

    def handle_delete(self):
        return "deleted"
`;

/** Takes as long as it is asked to, in milliseconds. */
export const sleeping = `import time

class PythonPredictor:
    def __init__(self, config):
        pass

    def predict(self, payload):
        time.sleep(payload["ms"] / 1000)
        return {"slept": payload["ms"]}
`;
