"""`python app.py [--demo]`: hub and portal on http://127.0.0.1:7860 (PORT, CORPUSHUB_HOME). With `--demo` a fictional city is set up first."""

import argparse
import sys


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="app.py", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="set the fictional city up first")
    options = parser.parse_args(argv)
    # Imported here: a worker process that imports this file again must not load the web.
    from corpushub.base.settings import load_settings
    from corpushub.services.hub import open_hub
    from corpushub.web import check_port, serve

    settings = load_settings()
    check_port(settings.host, settings.port)
    hub = open_hub(settings)
    if options.demo:
        from corpushub.services.demo import Demo

        Demo(hub).prepare()
    serve(hub, host=settings.host, port=settings.port)


if __name__ == "__main__":
    from corpushub.base.errors import HubError

    try:
        main(sys.argv[1:])
    except HubError as refused:
        from corpushub.base.settings import preferred_lang

        print(refused.explain("en" if preferred_lang() == "en" else "zh"), file=sys.stderr)
        sys.exit(refused.exit_code)
