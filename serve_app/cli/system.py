import typer


def add_system(program: typer.Typer) -> None: ...
