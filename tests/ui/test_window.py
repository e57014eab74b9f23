from gradflow.ui.view import VIEWS


def test_a(window, colors):
    desk = window()
    desk.rest()
    for name, dock in desk.window.docks.items():
        print(name, colors(dock.view), dock.view.size())
    desk.press("Space")
    desk.until(lambda: desk.step > 3)
    print(desk.status)
    desk.press("Space")
    desk.until(lambda: "paused" in desk.status)
    s = desk.step
    desk.press("Right")
    desk.until(lambda: desk.step == s + 1)
    desk.press(".")
    desk.until(lambda: desk.step == s + 2)
