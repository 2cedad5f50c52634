"""HTTP in and out: a module an endpoint; `app` puts them together; `takeover` and `viewers` hold streams' sockets."""
