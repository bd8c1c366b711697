"""Amazon's notifications of changed orders, read from an SQS queue: the only importer of boto3."""
