"""The seller's listings at Amazon: read whole or by SKU, and their quantities changed one by one.

Operations: Amazon's model listingsItems_2021-08-01.json of 2026-07-30. A search pages through 1,000 listings at most;
larger accounts are read from a report.
"""

from __future__ import annotations

import logging
import re
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import httpx
from msgspec import Struct

from mfn.amazon.answers import Words, errors_of, objects_in
from mfn.amazon.at_once import AT_ONCE, several_at_once
from mfn.amazon.each_sku import answers_of_each
from mfn.amazon.failures import RUN_AGAIN, AmazonUnavailableError, CallRefusedError, checked, decoded
from mfn.amazon.listing_items import DATA_SETS, IDENTIFIERS_AT_ONCE, Item, ItemPage, ListingsRead, frame_of
from mfn.amazon.listings_report import listings_in, read_listings_report
from mfn.amazon.quantities import patch_of
from mfn.amazon.refusals import ListingMissingError, ListingRefusedError, invalid, not_patched
from mfn.amazon.unanswered import NO_ANSWER
from mfn.plain_text import shown

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from mfn.amazon.session import Session

MOST_SEARCHED = 1_000
"""How many listings a search can page through."""

PAGE_SIZE = 20
"""Listings on a page; Amazon returns no more."""

MOST_CHARACTERS = 40
"""The longest seller SKU at Amazon: a longer one cannot be listed."""

PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
"""A SKU that no server between here and the listing can misread."""

logger = logging.getLogger(__name__)


class _Submission(Struct):
    status: Literal["ACCEPTED", "INVALID", "VALID"]
    issues: Any = None  # only the words: the status says whether Amazon took the level


def _words(issues: Any) -> tuple[Words, ...]:
    texts = ([issue.get(name) for name in ("code", "message")] for issue in objects_in(issues))
    return tuple(Words(*(text if isinstance(text, str) else None for text in pair)) for pair in texts)


class AmazonListings:
    """Reads the listings of one connection and changes their quantities; its calls count as its session's."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._name = session.connection.name
        self._seller_id = session.connection.seller_id

    def listings(self, marketplace_id: str) -> ListingsRead:
        """All listings in a marketplace, whoever fulfils them: by search, or from a report if there are too many.

        Raises:
            RetriableError: Amazon did not answer with all of them; never taken for fewer listings than there are.
            FatalError: A role is missing, the credentials or the request are refused, or the report lacks a column.
        """
        asked_at = datetime.now(UTC)
        page = self._page(marketplace_id)
        expected = page.number_of_results
        if expected <= MOST_SEARCHED:
            items = self._searched(marketplace_id, page)
            if len(items) >= expected:
                return ListingsRead(frame_of(items.values()), asked_at, datetime.now(UTC))
            logger.warning(
                "searchListingsItems for the connection %s: found %d listings in %s, but Amazon counts %d; reading a"
                " report instead",
                self._name,
                len(items),
                marketplace_id,
                expected,
            )
        else:
            logger.info(
                "%s: %d listings in %s are too many for a search; requesting a report from Amazon, which takes minutes",
                self._name,
                expected,
                marketplace_id,
            )
        asked_at = datetime.now(UTC)
        frame = listings_in(read_listings_report(self._session, marketplace_id), marketplace_id)
        if frame.empty:
            raise AmazonUnavailableError(
                f"the report of all listings in {marketplace_id} for the connection {self._name} is empty, but a "
                f"search counts {expected}.",
                remedy=RUN_AGAIN,
            )
        return ListingsRead(frame, asked_at, datetime.now(UTC))

    def listings_of(self, marketplace_id: str, seller_skus: Sequence[str], *, are_known: bool = False) -> ListingsRead:
        """The listings of some SKUs in a marketplace; a SKU that is not listed has no row.

        Twenty are looked up at once. Amazon takes a comma for the end of a SKU, and is known to misread blanks and
        special characters in a query: a SKU with a comma, or with any such character if it did not come back, is looked
        up by itself, as a part of the path. Source: amzn/selling-partner-api-docs, issue 2295;
        amzn/selling-partner-api-models, issue 2505.

        Args:
            marketplace_id: Where.
            seller_skus: Seller SKUs, to the letter.
            are_known: Amazon has listed all of them before: one that a search leaves out is looked up on its own before
                it counts as gone.

        Returns:
            With `unanswered`: a single SKU that Amazon, or something in between, denies or leaves without an answer is
            logged, and does not keep others from being read.

        Raises:
            RetriableError: Amazon did not answer a search, or several lookups of single SKUs in a row.
            FatalError: A role is missing, or the credentials or the request are refused.
        """
        asked_at = datetime.now(UTC)
        wanted = dict.fromkeys(sku for sku in seller_skus if _may_be_listed(sku))
        together = [sku for sku in wanted if "," not in sku]
        questions = [
            together[start : start + IDENTIFIERS_AT_ONCE] for start in range(0, len(together), IDENTIFIERS_AT_ONCE)
        ]

        def ask(skus: list[str]) -> dict[str, Item]:
            return self._searched(marketplace_id, self._page(marketplace_id, skus=skus), skus=skus)

        found: dict[str, Item] = {}
        with self._session.budget.in_bulk("searchListingsItems", len(questions), at_once=AT_ONCE):
            for answer in several_at_once(questions, ask, name="search-listings"):
                found |= {sku: item for sku, item in answer.items() if sku in wanted}
        alone = [sku for sku in wanted if sku not in found and (are_known or not PLAIN.fullmatch(sku))]
        items, unanswered = self._alone(marketplace_id, alone)
        found |= {item.sku: item for item in items if item.sku in wanted}
        return ListingsRead(frame_of(found.values()), asked_at, datetime.now(UTC), unanswered)

    def patch_quantity(self, marketplace_id: str, seller_sku: str, quantity: int) -> None:
        """Tell Amazon the quantity of one listing that the seller fulfils; its handling time stays.

        Amazon applies it within minutes. It is known to accept SKUs that it does not list, too: check what it shows
        later. Source: amzn/selling-partner-api-models, issues 2797 and 4402.

        Raises:
            ListingMissingError: Amazon has no such listing there.
            ListingRefusedError: Amazon refuses this one; the others may continue.
            RetriableError: Amazon did not say that it took it, although it may have.
            FatalError: A role is missing, the credentials are refused, or every request is.
        """
        what = f"patchListingsItem {shown(seller_sku)} in {marketplace_id} for the connection {self._name}"
        if not _may_be_listed(seller_sku):
            raise ListingMissingError(
                f"{what}: Amazon cannot list such a SKU.", remedy="Map the SKU that is listed.", status=0, words=()
            )

        def read(response: httpx.Response) -> None:
            if response.status_code != httpx.codes.OK:
                raise not_patched(what, response, is_plain=PLAIN.fullmatch(seller_sku) is not None)
            submission = decoded(what, response, _Submission)
            if submission.status != "ACCEPTED":
                raise invalid(what, _words(submission.issues))

        self._session.caller.call(
            "patchListingsItem",
            what,
            lambda: self._session.library.patch_listings_item(
                self._seller_id, seller_sku, marketplaceIds=marketplace_id, body=patch_of(quantity)
            ),
            read,
        )

    def patch_quantities(
        self, marketplace_id: str, levels: Sequence[tuple[str, int]]
    ) -> Generator[ListingRefusedError | AmazonUnavailableError | CallRefusedError | None, None, None]:
        """Tell Amazon of many quantities, as fast as the rate budget allows, a few calls at once.

        Close it if it is not read to its end (`contextlib.closing`); that waits for the answers to what was sent.

        Args:
            marketplace_id: Where.
            levels: Seller SKUs, each once, and their units on offer, in the order in which they are sent.

        Yields:
            For each, in this order: None if Amazon took it, else its refusal, or why there was no answer that says
            anything about it.

        Raises:
            RetriableError: Amazon did not say that it took several of them in a row.
            FatalError: Several in a row were denied: a role is missing, or every request is refused; or the credentials
                are wrong.
        """
        calls = {sku: partial(self._patched, marketplace_id, sku, quantity) for sku, quantity in levels}
        yield from answers_of_each(self._session, "patchListingsItem", calls)

    def _patched(self, marketplace_id: str, seller_sku: str, quantity: int) -> ListingRefusedError | None:
        try:
            self.patch_quantity(marketplace_id, seller_sku, quantity)
        except ListingRefusedError as error:
            return error
        return None

    def _alone(
        self, marketplace_id: str, seller_skus: Sequence[str]
    ) -> tuple[list[Item], dict[str, AmazonUnavailableError | CallRefusedError]]:
        """The listings of SKUs looked up one by one, and why there was no answer for some."""
        items, without = [], {}
        calls = {sku: partial(self._item, marketplace_id, sku) for sku in seller_skus}
        with closing(answers_of_each(self._session, "getListingsItem", calls)) as answers:
            for sku, answer in zip(calls, answers, strict=True):
                if isinstance(answer, NO_ANSWER):
                    logger.warning("%s", answer.message)
                    without[sku] = answer
                elif answer is not None:
                    items.append(answer)
        return items, without

    def _searched(self, marketplace_id: str, page: ItemPage, *, skus: Sequence[str] = ()) -> dict[str, Item]:
        """The listings of a page and of all that follow it, by SKU."""
        items = {item.sku: item for item in page.items}
        tokens = set()
        while token := page.next_token:
            page = self._page(marketplace_id, skus=skus, page_token=token)
            new = {item.sku: item for item in page.items if item.sku not in items}
            if page.next_token and (not new or token in tokens):
                raise AmazonUnavailableError(
                    f"searchListingsItems for the connection {self._name}: Amazon's pages repeat after "
                    f"{len(items)} listings in {marketplace_id}.",
                    remedy=RUN_AGAIN,
                )
            tokens.add(token)
            items |= new
        return items

    def _page(self, marketplace_id: str, *, skus: Sequence[str] = (), page_token: str | None = None) -> ItemPage:
        what = f"searchListingsItems in {marketplace_id} for the connection {self._name}"
        query = {
            "marketplaceIds": marketplace_id,
            "includedData": DATA_SETS,
            "pageSize": PAGE_SIZE,
            **({"identifiersType": "SKU", "identifiers": ",".join(skus)} if skus else {}),
            # In the default order, by last change, a listing that changes meanwhile would move to another page.
            **({} if skus else {"sortBy": "sku", "sortOrder": "ASC"}),
            **({"pageToken": page_token} if page_token else {}),
        }

        return self._session.ask(
            "searchListingsItems",
            what,
            lambda: self._session.library.search_listings_items(self._seller_id, **query),
            ItemPage,
            page_token=bool(page_token),
        )

    def _item(self, marketplace_id: str, seller_sku: str) -> Item | None:
        what = f"getListingsItem {seller_sku} in {marketplace_id} for the connection {self._name}"

        def read(response: httpx.Response) -> Item | None:
            if response.status_code == httpx.codes.NOT_FOUND and errors_of(response):
                return None
            return decoded(what, checked(what, "getListingsItem", response), Item)

        return self._session.caller.call(
            "getListingsItem",
            what,
            lambda: self._session.library.get_listings_item(
                self._seller_id, seller_sku, marketplaceIds=marketplace_id, includedData=DATA_SETS
            ),
            read,
        )


def _may_be_listed(seller_sku: str) -> bool:
    # A SKU of nothing but dots would lead somewhere else as a part of a URL.
    return 0 < len(seller_sku) <= MOST_CHARACTERS and seller_sku.isprintable() and bool(seller_sku.strip(" ."))
