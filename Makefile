# Habits of the hand; ./dev is the entry, and needs no make.
.PHONY: bin demo check create-workflow run-workflow
simple = examples/simple/simple.py:on_event
bin demo check:
	./dev $@
create-workflow:
	build/ak run $(simple) --create
run-workflow:
	build/ak run $(simple)
