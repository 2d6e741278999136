import { render } from "preact";
import { App } from "./app";
import { follow } from "./stream";
import "./style.css";

void follow();
const root = document.getElementById("app");
if (root) render(<App />, root);
