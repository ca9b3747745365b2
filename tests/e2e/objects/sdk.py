"""What boto3 does with the local S3: each line that it prints is a promise kept."""

import os
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "no error"


s3.create_bucket(Bucket="bucket")
s3.put_object(Bucket="bucket", Key="a/é 1.txt", Body=b"hello world", ContentType="text/plain", Metadata={"by": "me"})
got = s3.get_object(Bucket="bucket", Key="a/é 1.txt")
assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"hello world", "text/plain", {"by": "me"})
assert s3.get_object(Bucket="bucket", Key="a/é 1.txt", Range="bytes=6-")["Body"].read() == b"world"
assert code(s3.put_object, Bucket="bucket", Key="a/é 1.txt", Body=b"x", IfNoneMatch="*") == "PreconditionFailed"
print("put, get, range and conditions")

for number in range(5):
    s3.put_object(Bucket="bucket", Key=f"list/{number}/x", Body=b"")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", PaginationConfig={"PageSize": 2})
keys = [content["Key"] for page in pages for content in page.get("Contents", [])]
assert keys == ["a/é 1.txt"] + [f"list/{number}/x" for number in range(5)], keys
folders = s3.list_objects_v2(Bucket="bucket", Delimiter="/")
assert [prefix["Prefix"] for prefix in folders["CommonPrefixes"]] == ["a/", "list/"]
print("lists in pages and folders")

body = os.urandom(12 * 1024 * 1024)
upload = s3.create_multipart_upload(Bucket="bucket", Key="large")["UploadId"]
parts = []
for number, start in enumerate(range(0, len(body), 5 * 1024 * 1024), 1):
    part = s3.upload_part(
        Bucket="bucket", Key="large", UploadId=upload, PartNumber=number, Body=body[start : start + 5 * 1024 * 1024]
    )
    parts.append({"PartNumber": number, "ETag": part["ETag"]})
wrong = {"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
assert code(s3.complete_multipart_upload, Bucket="bucket", Key="large", UploadId=upload, MultipartUpload=wrong) == "InvalidPart"
done = s3.complete_multipart_upload(Bucket="bucket", Key="large", UploadId=upload, MultipartUpload={"Parts": parts})
assert done["ETag"].endswith('-3"'), done["ETag"]
assert s3.get_object(Bucket="bucket", Key="large")["Body"].read() == body
s3.copy_object(Bucket="bucket", Key="copy", CopySource={"Bucket": "bucket", "Key": "large"})
assert s3.head_object(Bucket="bucket", Key="copy")["ContentLength"] == len(body)
print("multipart uploads and copies")

s3.put_object_tagging(Bucket="bucket", Key="copy", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
assert s3.get_object_tagging(Bucket="bucket", Key="copy")["TagSet"] == [{"Key": "k", "Value": "v"}]
url = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "a/é 1.txt"}, ExpiresIn=60)
assert urllib.request.urlopen(url).read() == b"hello world"
url = s3.generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "by-url"}, ExpiresIn=60)
urllib.request.urlopen(urllib.request.Request(url, data=b"sent", method="PUT"))
assert s3.get_object(Bucket="bucket", Key="by-url")["Body"].read() == b"sent"
print("tags and presigned addresses")

assert code(s3.get_object, Bucket="bucket", Key="none") == "NoSuchKey"
assert code(s3.head_object, Bucket="bucket", Key="none") == "404"
assert code(s3.list_objects_v2, Bucket="nobody") == "NoSuchBucket"
assert code(s3.delete_bucket, Bucket="bucket") == "BucketNotEmpty"
objects = [{"Key": content["Key"]} for content in s3.list_objects_v2(Bucket="bucket")["Contents"]]
assert len(s3.delete_objects(Bucket="bucket", Delete={"Objects": objects})["Deleted"]) == len(objects)
s3.delete_bucket(Bucket="bucket")
print("errors and deletion")
