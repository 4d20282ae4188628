"""The HTML report, opened in a browser, shows the claims and every figure with its caption."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from pipeline.base.errors import PipelineError
from pipeline.documents.explore import write_explorer
from pipeline.documents.page import write_page
from tests.workflow.checkout import DRAWN, ROOT, SMOKE

SECONDS = 30


@pytest.fixture(scope="module")
def report(smoke_run):
    result = smoke_run.snakemake(*SMOKE, "--report", "report.html")
    assert result.returncode == 0, result.stderr
    return smoke_run.path / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if shutil.which("chromedriver") is None:
        pytest.skip("needs chromium-driver")
    options = webdriver.ChromeOptions()
    profile = tmp_path_factory.mktemp("browser")
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={profile}")
    options.add_argument("--window-size=1600,1200")
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def wait(browser, condition):
    return WebDriverWait(browser, SECONDS).until(lambda _: condition())


def names_of(domain) -> list[str]:
    return sorted(name for name, source in DRAWN.items() if source.domain == domain)


def list_of_figures(browser, report, domain) -> list:
    """Open the list; return its icons, for each figure one that shows it and one on its origin."""
    return list_of_results(browser, report, domain)


def list_of_results(browser, report, category) -> list:
    browser.get("about:blank")
    browser.get(report.as_uri())
    path = f"//a[normalize-space(.) = '{category}']"
    wait(browser, lambda: browser.find_elements(By.XPATH, path))[-1].click()
    return wait(browser, lambda: shown_icons(browser))


def shown_icons(browser) -> list:
    icons = browser.find_elements(By.CSS_SELECTOR, "a.inline-block")
    return [icon for icon in icons if icon.is_displayed()]


def widest_image(browser) -> int:
    return browser.execute_script(
        "return Math.max(0, ...[...document.images].map(i => i.offsetWidth && i.naturalWidth))"
    )


def test_the_report_is_one_file_that_loads_nothing_from_elsewhere(report):
    assert 'src="http' not in report.read_text()


def description(report: Path) -> str:
    """What the report begins with."""
    return json.loads(re.search(r"var workflow_desc = (\".*\");$", report.read_text(), re.M)[1])


BOXES = """
const parts = ["nav", ".prose", "#rulegraph canvas, #rulegraph svg"].map(
  name => document.querySelector(name).getBoundingClientRect())
return parts.map(({left, right}) => [left, right])
"""


@pytest.mark.parametrize("size", [(1400, 1000), (1920, 1080), (1280, 800)])
def test_nothing_of_the_first_screen_of_the_report_covers_anything(browser, report, size):
    browser.set_window_size(*size)
    browser.get("about:blank")
    browser.get(report.as_uri())
    drawn = "return document.querySelector('#rulegraph canvas, #rulegraph svg') !== null"
    wait(browser, lambda: browser.execute_script(drawn))
    (_, list_ends), (text_begins, text_ends), (graph_begins, _) = browser.execute_script(BOXES)
    assert list_ends <= text_begins
    assert text_ends <= graph_begins
    text = browser.find_element(By.CSS_SELECTOR, ".prose")
    assert int(text.get_property("scrollWidth")) <= int(text.get_property("clientWidth"))


def test_the_report_begins_with_few_words_that_lead_on(report):
    text = description(report)
    assert "<table" not in text
    words = re.sub(r"<[^>]*>", "", text).split()
    assert "python -m pipeline page" in " ".join(words)
    assert len(words) < 200


def test_a_report_is_of_what_is_there(smoke_run, tmp_path):
    checkout = smoke_run.copy(tmp_path / "checkout")
    pictures = [f"results/smoke/figures/rhm_{name}.png" for name in ("loss_curves", "samples")]
    (checkout.path / pictures[0]).unlink()
    result = checkout.snakemake(*SMOKE, *pictures, "--report", "some.html")
    assert result.returncode == 0, result.stderr
    assert f"warning: report: {pictures[0]} is not there, so it is left out" in result.stderr
    assert re.findall(r"Adding (\w+\.png)", result.stderr) == [Path(pictures[1]).name]
    assert (checkout.path / "some.html").exists()


def test_the_claims_are_shown_as_a_result(browser, report):
    (icon, _) = list_of_results(browser, report, "claims")
    icon.click()
    wait(browser, lambda: browser.find_elements(By.TAG_NAME, "iframe"))
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    wait(browser, lambda: "verdict" in browser.find_element(By.TAG_NAME, "body").text)
    assert "Rules are learnt bottom-up" in browser.find_element(By.TAG_NAME, "body").text
    browser.switch_to.default_content()


@pytest.mark.parametrize("domain", ["rhm", "text", "image"])
def test_every_figure_is_shown(browser, report, domain):
    icons = list_of_figures(browser, report, domain)
    assert len(icons) == 2 * len(names_of(domain))
    for name, icon in zip(names_of(domain), icons[::2], strict=True):
        assert name in browser.find_element(By.TAG_NAME, "body").text
        icon.click()
        wait(browser, lambda: widest_image(browser) > 500)


@pytest.mark.parametrize("domain", ["rhm", "text", "image"])
def test_every_figure_has_its_caption_and_its_origin(browser, report, domain):
    for index, name in enumerate(names_of(domain)):
        list_of_figures(browser, report, domain)[2 * index + 1].click()
        body = browser.find_element(By.TAG_NAME, "body")
        wait(browser, lambda body=body: "JOB PARAMETERS" in body.text)
        caption = (ROOT / f"workflow/report/{name}.rst").read_text().split()
        assert " ".join(caption[:8]) in body.text
        assert '"code' in body.text.replace("\\", "")


@pytest.fixture(scope="module")
def page(smoke_run, tmp_path_factory):
    root = tmp_path_factory.mktemp("page")
    shutil.copytree(smoke_run.path / "results/smoke", root / "results/smoke")
    (root / "results/smoke/figures/rhm_loss_curves.png").unlink()
    return write_page(root, "smoke")


@pytest.mark.parametrize("size", [(1400, 1000), (1920, 1080), (420, 900)])
def test_the_page_of_a_run_fits_every_window(browser, page, size):
    browser.set_window_size(*size)
    browser.get(page.as_uri())
    inside, wide = browser.execute_script(
        "return [document.documentElement.clientWidth, document.documentElement.scrollWidth]"
    )
    assert wide <= inside
    table, heading = (browser.find_element(By.CSS_SELECTOR, tag) for tag in (".claims", "h1"))
    assert 0 < table.rect["y"] - heading.rect["y"] < size[1]


def test_the_page_of_a_run_has_its_claims_and_figures_and_says_what_is_missing(browser, page):
    browser.get(page.as_uri())
    text = page.read_text()
    assert "http" not in re.sub(r"data:image/png;base64,[^\"]*", "", text)
    shown = {figure.get_attribute("id") for figure in browser.find_elements(By.TAG_NAME, "figure")}
    assert shown == DRAWN.keys() - {"rhm_loss_curves"}
    drawn = "return [...document.images].every(image => image.naturalWidth > 300)"
    assert browser.execute_script(drawn)
    assert "not drawn yet: rhm_loss_curves" in browser.find_element(By.ID, "left-out").text
    browser.find_element(By.LINK_TEXT, "text").click()
    assert wait(browser, lambda: browser.execute_script("return window.scrollY") > 500)


def test_a_run_without_claims_has_no_page(tmp_path, smoke_run):
    home = tmp_path / "results/smoke"
    home.mkdir(parents=True)
    shutil.copy(smoke_run.path / "results/smoke/config.json", home)
    with pytest.raises(PipelineError, match=r"claims\.parquet is not there; let the run end"):
        write_page(tmp_path, "smoke")


def choose(browser, key, value):
    Select(browser.find_element(By.ID, key)).select_by_value(value)


def rows_of(browser):
    cells = browser.find_elements(By.CSS_SELECTOR, "#numbers tr")
    return [tuple(row.text.split(" ± ")[0].rsplit(" ", 1)) for row in cells]


def test_a_run_can_be_looked_around_in(browser, smoke_run, tmp_path):
    shutil.copytree(smoke_run.path / "results/smoke", tmp_path / "results/smoke")
    browser.get(write_explorer(tmp_path, "smoke").as_uri())
    sizes = [option.text for option in Select(browser.find_element(By.ID, "size")).options]
    assert sizes == ["4", "8", "16", "online"]
    table = pd.read_parquet(tmp_path / "results/smoke/tables/rhm_measurements.parquet")
    for size, step in (("8", 10), ("16", 40)):
        choose(browser, "size", size)
        choose(browser, "step", f"{step}")
        found = dict(rows_of(browser))["node accuracy, level 1, novel strings"]
        chosen = table[(table["dataset_size"] == size) & (table["step"] == step)]
        chosen = chosen.query("quantity == 'node_accuracy' and level == 1")
        expected = chosen.loc[chosen["among"] == "novel_strings", "estimate"].mean()
        assert float(found) == pytest.approx(expected, rel=5e-3)
        trees = browser.find_elements(By.CSS_SELECTOR, "#samples svg")
        assert [len(tree.find_elements(By.TAG_NAME, "circle")) for tree in trees] == [7, 7]
    for domain, tag in (("text", "pre"), ("image", "img")):
        choose(browser, "domain", domain)
        assert browser.find_elements(By.CSS_SELECTOR, f"#samples {tag}")


def test_a_run_without_measurements_cannot_be_looked_around_in(tmp_path):
    with pytest.raises(PipelineError, match="has no measurements; let the run end first"):
        write_explorer(tmp_path, "smoke")
