class HttpPort:
    def __init__(self, *a):
        self.port = 0

    def __enter__(self):
        return self

    def __exit__(self, *a):
        pass
