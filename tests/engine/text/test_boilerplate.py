from __future__ import annotations

import polars as pl
import pytest

from corpushub.engine.text.boilerplate import without_boilerplate


def one(text: str) -> str:
    return without_boilerplate(pl.Series([text]))[0]


@pytest.mark.parametrize(
    "line",
    [
        "首页 > 政务公开 > 政策文件", "您当前的位置：首页 > 通知公告", "【打印】 【关闭】", "字体：[大 中 小]", "分享到：微信 微博 QQ空间", "扫一扫在手机打开当前页",
        "责任编辑：某某", "来源：某市人民政府网站", "发布时间：2024-05-01 10:00", "浏览次数：1,234次", "版权所有：某市人民政府办公厅", "京ICP备05060933号-1",
        "京公网安备 11010202000001号", "网站标识码：1100000001", "网站地图 | 联系我们 | 关于我们", "上一篇：关于开展检查的通知", "相关阅读：", "登录 | 注册",
        "机构 | 新闻 | 服务 | 互动 | 数据", "Copyright © 2024 City Government", "All rights reserved.", "This site uses cookies to improve your experience.",
        "Privacy Policy | Terms of Use | Contact us", "Share this: Facebook Twitter", "Please enable JavaScript to view this page", "Home > News > Notices",
    ],
)  # fmt: skip
def test_furniture_goes_and_the_text_around_it_stays(line: str) -> None:
    body = "各区人民政府，市政府各委、办、局：\n现将有关事项通知如下。"
    assert one(f"{line}\n{body}") == body
    assert one(f"{body}\n{line}") == body
    assert one(f"{body}\n{line}\n{body}") == f"{body}\n{body}"


@pytest.mark.parametrize(
    "text",
    [
        "第五条 有关部门应当在网站首页公布登记结果。",
        "申请人可以登录政务服务平台查询，也可以点击首页的办事指南。",
        "本办法所称版权所有者，是指依法享有著作权的自然人、法人。",
        "甲方|乙方",
        "当 a<b 且 c>d 时，取较小者。",
        "The court held that all rights reserved by the parties survive termination of the agreement, and that notice is required.",
        "When you sign in to the service, we ask for your consent.",
    ],
)
def test_sentences_that_mention_furniture_are_text(text: str) -> None:
    assert one(text) == text


def test_markup_becomes_lines_and_scripts_vanish() -> None:
    page = "<div class='x'><p>第一段&nbsp;正文。</p><script>var a = '<p>';</script><p>第二段<b>重点</b>。</p><!-- 注释 --></div>"
    assert one(page) == "第一段 正文。\n\n第二段重点。"


def test_clean_rows_come_back_untouched() -> None:
    column = pl.Series(["  前后有空格  ", None, "", "<!-- x -->正文"])
    assert without_boilerplate(column).to_list() == ["  前后有空格  ", None, "", "正文"]
    assert column[3] == "<!-- x -->正文"
