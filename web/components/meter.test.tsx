// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Meter } from "./parts";

afterEach(cleanup);

const bar = () => screen.getByRole("meter").firstElementChild as HTMLElement;

test("a meter says in words what its bar shows", () => {
  render(<Meter label="drawdown" used={0.05} limit={0.2} text="5.00 % of 20 %" />);
  expect(screen.getByRole("meter", { name: "drawdown" }).getAttribute("aria-valuetext")).toBe(
    "5.00 % of 20 %",
  );
  expect(bar().style.width).toBe("25%");
});

test("near its limit it is drawn as a danger, beyond it the bar is full", () => {
  render(<Meter label="exposure" used={0.3} limit={0.2} text="30 % of 20 %" />);
  expect(bar().style.width).toBe("100%");
  expect(bar().className).toContain("bg-bad");
});

test("a limit of nothing shows nothing", () => {
  render(<Meter label="exposure" used={0.1} limit={0} text="10 % of 0 %" />);
  expect(bar().style.width).toBe("0%");
});
