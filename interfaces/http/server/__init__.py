"""The server of the API: uvicorn, with bounds on what a connection may send and on the requests in flight."""
