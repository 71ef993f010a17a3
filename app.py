"""`python app.py [--demo]`: hub and portal on http://127.0.0.1:7860 (PORT, CORPUSHUB_HOME). With `--demo` a fictional city is set up first."""

import sys


def main(argv: list[str]) -> None:
    # Imported here: a worker process that imports this file again must not load the web.
    from corpushub.base.settings import load_settings
    from corpushub.services.hub import open_hub
    from corpushub.web import serve

    hub = open_hub(load_settings())
    if "--demo" in argv:
        from corpushub.services.demo import Demo

        Demo(hub).prepare()
    serve(hub, host=hub.settings.host, port=hub.settings.port)


if __name__ == "__main__":
    main(sys.argv[1:])
