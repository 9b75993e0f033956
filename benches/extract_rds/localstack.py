"""LocalStack as S3 and nothing else."""

import json
import os
import urllib.request

from server import Server, free_port, quietly

# LocalStack's account; the key is not checked.
AWS_ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


class LocalStack:
    """A server with its data in `folder`, run by the Python environment that `scripts/python-environment` makes."""

    def __init__(self, folder, python_folder):
        folder.mkdir()
        self.aws = python_folder / "bin/aws"
        address = f"127.0.0.1:{free_port()}"
        self.endpoint = f"http://{address}"
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "LANG": "C.UTF-8",
            "GATEWAY_LISTEN": address,
            "LOCALSTACK_HOST": address,
            "FILESYSTEM_ROOT": str(folder / "root"),
            "LOCALSTACK_VOLUME_DIR": str(folder / "volume"),
            # Nothing is loaded from outside, and inside a container nothing is written to system folders.
            "SERVICES": "s3",
            "OVERRIDE_IN_DOCKER": "0",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DISABLE_EVENTS": "1",
            "DNS_ADDRESS": "0",
        }
        command = [python_folder / "bin/python", "-m", "localstack.runtime.main"]
        self.server = Server("LocalStack", command, folder / "localstack.log", self.is_ready, env=environment, cwd=folder)

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_localstack/init") as answer:
                return json.load(answer)["completed"]["READY"]
        except OSError:
            return False

    def environment(self):
        """For extract-rds."""
        return {**AWS_ENVIRONMENT, "AWS_ENDPOINT_URL": self.endpoint}

    def s3(self, *arguments):
        """One command of `aws s3`."""
        quietly([self.aws, "s3", *arguments], env={**os.environ, **self.environment()})

    def stop(self):
        self.server.stop()
