from __future__ import annotations

import pytest

from visavis.cli import main


def test_without_a_word_it_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["looks", "--help"])
    assert "template" in capsys.readouterr().out
