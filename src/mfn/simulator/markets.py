# ruff: noqa: RUF001 - letters of other scripts are the point of this file
"""The local Amazon's data on each marketplace: currency, language, time zone, and places where test buyers live.

Postal codes are ones that their cities have; streets, people and telephone numbers are made up and look so.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a parcel can go.

    Attributes:
        city: As its people write it; empty where the country's addresses have none.
        postal_code: One of its postal codes; empty where the country has none.
        state: State, province or region where the country's addresses have one.
        street: A made-up street; `{}` is replaced by the number.
        district: District or county, where it is given.
    """

    city: str
    postal_code: str
    state: str
    street: str
    district: str = ""


@dataclass(frozen=True)
class Market:
    """One marketplace.

    Attributes:
        domain: Its site.
        currency: ISO 4217.
        language: As Amazon writes it.
        zone: The IANA time zone in which ship-by days end.
        rate: What a US cent is worth in the currency's smallest unit that Amazon writes.
        decimals: Digits after the point.
        phone: A made-up number; `#` is replaced by a digit.
        places: Where its buyers live.
    """

    domain: str
    currency: str
    language: str
    zone: str
    rate: float
    decimals: int
    phone: str
    places: tuple[Place, ...]


MARKETS: dict[str, Market] = {
    "US": Market("www.amazon.com", "USD", "en_US", "America/Los_Angeles", 1, 2, "+1 555-01##", (
        Place("Portland", "97205", "OR", "{} Example Avenue"),
        Place("Austin", "78701", "TX", "{} Sample Street"),
        Place("Springfield", "62701", "IL", "{} Placeholder Road"),
        Place("Brooklyn", "11201", "NY", "{} Test Place"),
        Place("Honolulu", "96813", "HI", "{} Kauwela Example Street"),
        Place("San Juan", "00901", "PR", "{} Calle Ejemplo"),
    )),
    "CA": Market("www.amazon.ca", "CAD", "en_CA", "America/Toronto", 1.36, 2, "+1 555-01##", (
        Place("Toronto", "M5V 2T6", "ON", "{} Example Street West"),
        Place("Montréal", "H2Y 1C6", "QC", "{}, rue de l’Exemple"),
        Place("Vancouver", "V6B 1A1", "BC", "{} Sample Crescent"),
        Place("Iqaluit", "X0A 0H0", "NU", "{} Test Lane"),
    )),
    "MX": Market("www.amazon.com.mx", "MXN", "es_MX", "America/Mexico_City", 18, 2, "+52 55 5555 01##", (
        Place("Ciudad de México", "06600", "Ciudad de México", "Calle Ejemplo {}", "Cuauhtémoc"),
        Place("Guadalajara", "44100", "Jalisco", "Avenida de la Prueba {}"),
    )),
    "BR": Market("www.amazon.com.br", "BRL", "pt_BR", "America/Sao_Paulo", 5.4, 2, "+55 11 95555-01##", (
        Place("São Paulo", "01310-100", "SP", "Avenida Exemplo, {}"),
        Place("Recife", "50010-000", "PE", "Rua de Teste, {}"),
    )),
    "UK": Market("www.amazon.co.uk", "GBP", "en_GB", "Europe/London", 0.79, 2, "+44 1632 9601##", (
        Place("London", "SW1A 1AA", "", "{} Example Row"),
        Place("Cardiff", "CF10 1EP", "", "{} Sample Close"),
        Place("Glasgow", "G1 1XQ", "", "{} Placeholder Wynd"),
    )),
    "DE": Market("www.amazon.de", "EUR", "de_DE", "Europe/Berlin", 0.92, 2, "+49 30 23125 0##", (
        Place("Berlin", "10115", "", "Beispielstraße {}"),
        Place("München", "80331", "", "Musterweg {}"),
        Place("Köln", "50667", "", "Am Prüfstand {}"),
    )),
    "FR": Market("www.amazon.fr", "EUR", "fr_FR", "Europe/Paris", 0.92, 2, "+33 1 99 00 01 ##", (
        Place("Paris", "75002", "", "{} rue de l’Exemple"),
        Place("Besançon", "25000", "", "{} allée du Modèle"),
    )),
    "IT": Market("www.amazon.it", "EUR", "it_IT", "Europe/Rome", 0.92, 2, "+39 06 5555 01##", (
        Place("Roma", "00184", "RM", "Via dell’Esempio {}"),
        Place("Forlì", "47121", "FC", "Piazza Campione {}"),
    )),
    "ES": Market("www.amazon.es", "EUR", "es_ES", "Europe/Madrid", 0.92, 2, "+34 910 555 0##", (
        Place("Madrid", "28013", "Madrid", "Calle del Ejemplo {}"),
        Place("A Coruña", "15001", "A Coruña", "Rúa da Proba {}"),
    )),
    "NL": Market("www.amazon.nl", "EUR", "nl_NL", "Europe/Amsterdam", 0.92, 2, "+31 20 555 01##", (
        Place("Amsterdam", "1012 JS", "", "Voorbeeldstraat {}"),
        Place("’s-Hertogenbosch", "5211 JX", "", "Proefplein {}"),
    )),
    "BE": Market("www.amazon.com.be", "EUR", "fr_BE", "Europe/Brussels", 0.92, 2, "+32 2 555 01 ##", (
        Place("Liège", "4000", "", "Rue de l’Exemple {}"),
        Place("Gent", "9000", "", "Voorbeeldlaan {}"),
    )),
    "IE": Market("www.amazon.ie", "EUR", "en_IE", "Europe/Dublin", 0.92, 2, "+353 1 555 01##", (
        Place("Dublin", "D02 AF30", "Co. Dublin", "{} Example Quay"),
        Place("Galway", "H91 E2K3", "Co. Galway", "{} Sample Lane"),
    )),
    "SE": Market("www.amazon.se", "SEK", "sv_SE", "Europe/Stockholm", 10.5, 2, "+46 8 555 01 ##", (
        Place("Stockholm", "111 29", "", "Exempelgatan {}"),
        Place("Västerås", "722 11", "", "Provvägen {}"),
    )),
    "PL": Market("www.amazon.pl", "PLN", "pl_PL", "Europe/Warsaw", 4, 2, "+48 22 555 01 ##", (
        Place("Warszawa", "00-001", "", "ul. Przykładowa {}"),
        Place("Łódź", "90-001", "", "ul. Testowa {}"),
    )),
    "TR": Market("www.amazon.com.tr", "TRY", "tr_TR", "Europe/Istanbul", 34, 2, "+90 212 555 01 ##", (
        Place("Beyoğlu", "34433", "İstanbul", "Örnek Sokak No: {}"),
        Place("Çankaya", "06420", "Ankara", "Deneme Caddesi No: {}"),
    )),
    "AE": Market("www.amazon.ae", "AED", "en_AE", "Asia/Dubai", 3.67, 2, "+971 4 555 01##", (
        Place("Dubai", "", "Dubai", "{} Example Street", "Al Barsha"),
        Place("أبو ظبي", "", "أبو ظبي", "{} شارع المثال"),
    )),
    "SA": Market("www.amazon.sa", "SAR", "ar_AE", "Asia/Riyadh", 3.75, 2, "+966 11 555 01##", (
        Place("الرياض", "11564", "", "{} شارع المثال"),
        Place("Jeddah", "21577", "", "{} Example Street"),
    )),
    "EG": Market("www.amazon.eg", "EGP", "ar_AE", "Africa/Cairo", 48, 2, "+20 2 5555 01##", (
        Place("القاهرة", "11511", "القاهرة", "{} شارع المثال"),
        Place("Giza", "12511", "Giza Governorate", "{} Example Street"),
    )),
    "IN": Market("www.amazon.in", "INR", "en_IN", "Asia/Kolkata", 84, 2, "+91 55555 501##", (
        Place("Bengaluru", "560001", "KARNATAKA", "{}, Example Main Road"),
        Place("मुंबई", "400001", "MAHARASHTRA", "{}, उदाहरण मार्ग"),
    )),
    "ZA": Market("www.amazon.co.za", "ZAR", "en_ZA", "Africa/Johannesburg", 18, 2, "+27 10 555 01##", (
        Place("Cape Town", "8001", "", "{} Example Road"),
        Place("Durban", "4001", "", "{} Sample Street"),
    )),
    "JP": Market("www.amazon.co.jp", "JPY", "ja_JP", "Asia/Tokyo", 1.5, 0, "+81 3-5555-01##", (
        Place("千代田区", "100-0001", "東京都", "見本町{}"),
        Place("京都市中京区", "604-0001", "京都府", "例示通{}"),
    )),
    "AU": Market("www.amazon.com.au", "AUD", "en_AU", "Australia/Sydney", 1.5, 2, "+61 2 5550 01##", (
        Place("Sydney", "2000", "NSW", "{} Example Parade"),
        Place("Hobart", "7000", "TAS", "{} Sample Court"),
    )),
    "SG": Market("www.amazon.sg", "SGD", "en_SG", "Asia/Singapore", 1.35, 2, "+65 5555 01##", (
        Place("", "018956", "", "{} Example Quay"),
        Place("Singapore", "238801", "", "{} Sample Road #12-34"),
    )),
}  # fmt: skip

BUYERS = (
    "Test Buyer",
    "Tëst Büyer-Ångström",
    "Prüfname Käufer",
    "Acheteur d’Essai Élodie",
    "Comprador de Prueba Ñandú",
    "Testowy Kupujący Łącki",
    "Deneme Alıcı İğdeş",
    "Người Mua Thử Nghiệm",
    "テスト 購入者",
    "ﾃｽﾄ 購入者",
    "测试 买家",
    "測試 買家",
    "테스트 구매자",
    "مشتري تجريبي",
    "קונה לדוגמה",
    "Тестовый Покупатель",
    "Δοκιμαστικός Αγοραστής",
    "परीक्षण ख़रीदार",
    "ผู้ซื้อ ทดสอบ",
    "Test 🎁 Buyer",
    "O'Test-Buyer, Jr. & Co.",
    "Te\u0301st Decomposed",
    "Test Buyer With A Very Long Name That Fills A Whole Label Line",
)
"""Names in every script that a label printer meets; none is a person's."""
