"""The report of a backtest: figures, tables and one self-contained page."""

from trading.backtest.report.analysis import Analysis, analyse
from trading.backtest.report.page import page_of, render
from trading.backtest.report.run import Record, Run, Trials

__all__ = ["Analysis", "Record", "Run", "Trials", "analyse", "page_of", "render"]
