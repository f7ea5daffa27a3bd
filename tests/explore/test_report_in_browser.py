"""The page in a real browser: any Chromium on PATH, or the one that WINNOW_CHROMIUM names."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from report_warehouse import hostile_warehouse
from winnow.explore.catalog import Catalog
from winnow.explore.report import write

NAMES = (
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
# A container has neither users for a sandbox nor a graphics card; the page is our own.
ARGUMENTS = ["--no-sandbox", "--no-zygote", "--disable-gpu"]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
TABS = ("overview", "rules", "signals", "mixture", "duplicates", "documents", "checks", "lineage")


@pytest.fixture(scope="module")
def browser():
    named = os.environ.get("WINNOW_CHROMIUM")
    path = named or next((found for found in map(shutil.which, NAMES) if found), None)
    if path is None:
        pytest.skip("no Chromium on PATH; name one in WINNOW_CHROMIUM")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=ARGUMENTS)


@pytest.fixture(scope="module", params=["hostile", "small"])
def file(request, tmp_path_factory, warehouse):
    folder = tmp_path_factory.mktemp("report")
    place = hostile_warehouse(folder) if request.param == "hostile" else warehouse
    write(Catalog.of(place), None, folder / "report.html")
    return folder / "report.html"


class Opened:
    """The page in a tab of the browser, with all that the browser had to say about it."""

    def __init__(self, browser, file, **context):
        self.tab = browser.new_context(**context).new_page()
        self.said, self.asked_for = [], []
        self.tab.on("console", lambda message: self.said.append(message.text))
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))
        self.tab.on("dialog", lambda dialog: self.said.append(dialog.message) or dialog.dismiss())
        self.tab.on("request", lambda request: self.asked_for.append(request.url))
        self.tab.goto(file.as_uri())

    def press(self, *keys):
        for key in keys:
            self.tab.keyboard.press(key)

    def open_panels(self):
        return self.tab.eval_on_selector_all(
            "main > section", "all => all.filter(one => !one.hidden).map(one => one.id)"
        )


@pytest.fixture
def opened(browser, file):
    found = Opened(browser, file, viewport=DESKTOP)
    yield found
    found.tab.context.close()


def test_it_opens_without_a_word_and_asks_for_nothing(opened, file):
    for name in TABS:
        opened.tab.click(f'nav a[href="#{name}"]')
    opened.tab.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    assert opened.said == []
    assert opened.asked_for == [file.as_uri()]


def test_every_chart_is_drawn(opened):
    for name in TABS:
        opened.tab.click(f'nav a[href="#{name}"]')
        drawn = opened.tab.eval_on_selector_all(
            f"#{name} .drawing",
            """all => all.map(one => {
                const box = one.querySelector("svg").getBoundingClientRect();
                const marks = one.querySelectorAll('[class*="role-mark"] path');
                return box.width > 50 && box.height > 20 && marks.length > 0;
            })""",
        )
        assert all(drawn)
    assert opened.tab.locator("#signals .drawing").count() >= 3


def test_tabs_are_walked_through_by_arrows(opened):
    opened.press("Tab", "Tab")
    assert opened.open_panels() == ["overview"]
    opened.press("ArrowRight")
    assert opened.open_panels() == ["rules"]
    opened.press("ArrowLeft", "ArrowLeft")
    assert opened.open_panels() == ["lineage"]
    opened.press("Home", "End")
    assert opened.open_panels() == ["lineage"]
    assert opened.tab.evaluate("document.activeElement.hash") == "#lineage"


def test_a_search_by_keyboard_picks_out_what_holds_all_words(opened):
    opened.press("/")
    opened.tab.keyboard.type("WORD_COUNT")
    hits = int(opened.tab.inner_text("#found").split()[0])
    shown = opened.tab.eval_on_selector_all(
        ".item:not(.filtered)", "all => all.map(one => one.textContent.toLowerCase())"
    )
    assert len(shown) == hits > 0
    assert all("word_count" in text for text in shown)
    of_rules = opened.tab.get_attribute('nav a[href="#rules"]', "data-found")
    assert opened.tab.locator("#rules .item:not(.filtered)").count() == int(of_rules) > 0
    opened.tab.fill("#search", "")
    assert opened.tab.locator(".filtered").count() == 0


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
@pytest.mark.parametrize("name", TABS)
def test_nothing_is_wider_than_the_screen(browser, file, size, name):
    opened = Opened(browser, file, viewport=size)
    opened.tab.click(f'nav a[href="#{name}"]')
    wide = opened.tab.evaluate("document.documentElement.scrollWidth")
    opened.tab.context.close()
    assert wide <= size["width"]


def test_it_is_dark_where_the_reader_asks_for_it(browser, file):
    light, dark = (
        Opened(browser, file, color_scheme=scheme).tab.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    )
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(18, 22, 28)")


def test_without_scripts_it_is_one_long_text(browser, file):
    opened = Opened(browser, file, java_script_enabled=False)
    for name in TABS:
        assert opened.tab.locator(f"#{name}").is_visible()


def test_hostile_documents_make_no_element_and_no_dialog(browser, tmp_path):
    write(Catalog.of(hostile_warehouse(tmp_path)), None, tmp_path / "report.html")
    opened = Opened(browser, tmp_path / "report.html")
    opened.tab.wait_for_timeout(200)
    assert opened.said == []
    assert opened.tab.locator("script").count() == 1
    assert opened.tab.locator("img, a[href^='javascript'], svg animate").count() == 0
    opened.tab.click('nav a[href="#documents"]')
    opened.tab.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    assert "<script>alert(1)</script>" in opened.tab.inner_text("#documents")
    assert opened.tab.locator("#documents .control").count() > 3
