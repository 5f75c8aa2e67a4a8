"""Amazon Bedrock through boto3, aioboto3 and aiobotocore."""

from __future__ import annotations

from meter.providers.bedrock import CONVERSE, INVOKE
from meter.providers.model import Provider

PROVIDER = Provider(
    name="aws.bedrock",
    package="botocore",
    family="aws",
    modules=("botocore.client", "aiobotocore.client"),
    dialects=(CONVERSE, INVOKE),
    tested=("1.38.46", "1.44.5"),
    distribution="boto3",
    address="meta.endpoint_url",
    attributes={"region": ("meta.region_name",)},
)
