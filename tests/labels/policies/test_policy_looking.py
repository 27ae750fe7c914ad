"""What certainly changes nothing, and what might."""

import pytest

from labels.commands import judge_command
from labels.policies.looking import command_looks, sql_looks, tool_looks
from labels.policies.scripts import read

LOOKS = """
ls -la
cat a b
git log -3 --oneline
git -C /x status
git branch -a
git tag
git remote -v
git stash list
git config --get user.name
git show HEAD:a
kubectl -n prod get pods -o wide
kubectl config view
kubectl rollout status deploy/x
docker ps -a
docker image ls
docker-compose ps
terraform state list
helm list -A
systemctl status x
systemctl is-active x
aws ec2 describe-instances
aws s3 ls s3://x
find . -name x -type f
rg -n x src
sed -n 1,20p a
sort a
uniq -c a
date +%s
hostname -f
journalctl -u x -n 50
command -v git
""".strip().splitlines()
MAY_CHANGE = """
git log --output=x
git log --outp x
git -c core.pager=x log
git branch x
git branch -D x
git tag v1
git remote add x y
git stash
git config user.name x
git fetch
git ls-remote ext::x
kubectl apply -f x
kubectl config use-context x
kubectl rollout restart deploy/x
kubectl
docker rm x
docker config create x y
docker-compose up
terraform plan
terraform apply
terraform providers lock
helm upgrade x y
helm template x --post-renderer y
systemctl restart x
aws s3 cp a b
aws s3api get-object x
find . -delete
find . -fprintf x y
find . -exec x ;
rg --pre x y
sed -i s/a/b/ x
sed s/a/b/e x
sed -n -e 1e x
sed -n 1,20w/x a
sort -o x a
sort -uo x a
sort --output x a
sort --compress-program x a
uniq a b
date -s x
date --set x
hostname x
journalctl --rotate
tree -o x
file -C -m x
curl x
tee x
make
python x
env ls
xargs ls
""".strip().splitlines()


@pytest.mark.parametrize("command", LOOKS)
def test_looks(command: str) -> None:
    (one,) = read(command, None).commands
    assert command_looks(one.name, one.args)
    assert not judge_command(command).deny


@pytest.mark.parametrize("command", MAY_CHANGE)
def test_may_change(command: str) -> None:
    one = read(command, None).commands[0]
    assert not command_looks(one.name, one.args)


@pytest.mark.parametrize(
    "name",
    ["read_file", "getUserDetails", "list_directory", "Read", "TodoWrite", "sequentialThinking", "search", "view_file"],
)
def test_tools_that_look(name: str) -> None:
    assert tool_looks(name)


@pytest.mark.parametrize(
    "name",
    ["search_and_replace", "get_and_delete", "cancel_order", "execute_sql", "check_out", "", "write_file", "doIt",
     "find_or_create_user", "readAndMove", "list_then_purchase_buy"],
)  # fmt: skip
def test_tools_that_may_change(name: str) -> None:
    assert not tool_looks(name)


@pytest.mark.parametrize("sql", ["select 1", "SELECT a FROM b WHERE c = 'x';", "show tables", "EXPLAIN select 1"])
def test_sql_that_looks(sql: str) -> None:
    assert sql_looks(sql)


@pytest.mark.parametrize(
    "sql",
    ["", ";", "select * into x from y", "with a as (delete from x returning 1) select 1", "select 1; drop table x",
     "explain analyze delete from x", "select pg_sleep(1)", "select setval('x', 1)", "update x set y = 1", "begin",
     "select 1" + " " * 20_000, "select dblink_exec('x')", "copy x to 'y'", "select lo_export(1, 'x')", "do $$ x $$"],
)  # fmt: skip
def test_sql_that_may_change(sql: str) -> None:
    assert not sql_looks(sql)
