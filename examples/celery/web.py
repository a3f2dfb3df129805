def application(environ, start_response):
    """Answers /healthz without asking anybody else: a Redis that is away must not take web down."""
    found = environ["PATH_INFO"] in ("/", "/healthz")
    start_response("200 OK" if found else "404 Not Found", [("content-type", "text/plain")])
    return [b"ok\n" if found else b"not found\n"]
