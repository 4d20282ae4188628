"""The HTML report, opened in a browser, shows every figure with its caption."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from pipeline.config.schema import FIGURES
from tests.workflow.checkout import SMOKE

