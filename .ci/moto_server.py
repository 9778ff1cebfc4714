"""moto's server for S3, where one of many conditional writes wins: moto looks at a condition and writes in two steps.

python .ci/moto_server.py -H HOST -p PORT
"""

import sys
from threading import Lock

from moto.s3.responses import S3Response
from moto.server import main

writing = Lock()
put_object = S3Response.put_object


def put_object_alone(response):
    with writing:
        return put_object(response)


S3Response.put_object = put_object_alone
main(sys.argv[1:])
