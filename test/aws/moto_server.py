"""Serves moto on a free port of the loopback interface, says which on its first line, and ends when its input does."""

import functools
import json
import os
import re
import sys
import threading

import moto.backends
import moto.core.responses
import moto.iam.models
from moto.core.base_backend import AccountSpecificBackend
from moto.ec2.models import amis
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import LogsBackend
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

# Every account holds all of these: the thousand that no cluster uses would take most of the time of a test.
USED_POLICIES = re.compile("AmazonEKS|AmazonEC2Container|AmazonEBSCSI|AmazonSSM|AmazonS3|CloudWatch|AdministratorAccess|PowerUserAccess")
policies = json.loads(moto.iam.models.aws_managed_policies_data)
used = {name: policy for name, policy in policies.items() if USED_POLICIES.match(name)}
moto.iam.models.aws_managed_policies_data = json.dumps(used)

# moto finds these out anew for every request or account, which is half of its time.
modules = list(moto.backends.list_of_moto_modules())
moto.backends.list_of_moto_modules = lambda: modules
moto.core.responses.method_names_from_class = functools.cache(moto.core.responses.method_names_from_class)
generate_regions = AccountSpecificBackend._generate_regions
regions = functools.cache(lambda service: generate_regions(None, service))
AccountSpecificBackend._generate_regions = lambda _, service: list(regions(service))
# Who was there last: nobody asks.
moto.iam.models.mark_account_as_visited = lambda **_: None

# One image is enough, as nothing runs on instances; once this is set moto loads no others.
amis.AMIS = [image for image in amis.AMIS if image["ami_id"] == "ami-12c6146b"]
os.environ["MOTO_AMIS_PATH"] = "loaded"

# moto shows the tags that a launch template was made with for ever.
LaunchTemplate.tags = property(lambda self: self.get_tags(), lambda self, _: None)


def tags_of_log_group(self: LogsBackend, resource_arn: str) -> dict[str, str]:
    """moto goes on telling those of a log group that is gone."""
    name = resource_arn.split(":log-group:")[-1].removesuffix(":*")
    if ":log-group:" in resource_arn and name not in self.groups:
        self.tagger.delete_all_tags_for_resource(resource_arn)
        raise ResourceNotFoundException()
    return self.tagger.get_tag_dict_for_resource(resource_arn)


LogsBackend.list_tags_for_resource = tags_of_log_group


class QuietHandler(WSGIRequestHandler):
    """Keeps connections, and says nothing of requests."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None:
        pass


def main() -> None:
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port, "images": len(amis.AMIS)}), flush=True)
    sys.stdin.read()


main()
